import { TranslationBundle } from '@jupyterlab/translation';

import { Today } from '../kernels/row';
import { usd } from '../run/amounts';
import { el, say } from '../run/dom';

/** Today's dollars of all notebooks, against the daily cap where there is one. */
export class DaySpending {
  readonly node: HTMLElement;
  private readonly amount = el('span', 'num');
  private readonly bar = el('div', 'day-bar');
  private readonly settled = el('i', 'day-settled');
  private readonly reserved = el('i', 'day-reserved');

  constructor(private readonly trans: TranslationBundle) {
    const line = el('div', 'day-line', el('span', 'dim', trans.__('today, all notebooks')), this.amount);
    this.bar.append(this.reserved, this.settled);
    this.node = el('div', 'day', line, this.bar);
  }

  draw(today: Today | null, cap: number | null): void {
    this.node.hidden = today === null;
    if (today) {
      const spent = usd(today.settled);
      say(this.amount, cap === null ? spent : this.trans.__('%1 of %2', spent, usd(cap)));
      this.bar.hidden = cap === null;
      const share = (value: number): string => `${Math.min((100 * value) / (cap ?? 1), 100).toFixed(1)}%`;
      this.settled.style.width = share(today.settled);
      this.reserved.style.width = share(today.settled + today.reserved);
    }
  }
}
