import { clock, count, usd } from './amounts';
import { el, mark, say } from './dom';
import { GAUGES } from './read';
import { Gauge, GaugeName, Head } from './types';

const TITLES: Record<GaugeName, string> = { usd: 'cost', tokens: 'tokens', seconds: 'time', iterations: 'rounds' };

/** One bar a limit: spent is solid, reserved is hatched, a line marks where the run is heading. */
export class Gauges {
  readonly node = el('div', 'gauges');
  private readonly bars = new Map(GAUGES.map(name => [name, new Bar(name)]));
  private seconds: Gauge | null = null;
  private since = 0;

  constructor() {
    this.node.append(...[...this.bars.values()].map(bar => bar.node));
  }

  draw(head: Head, ticking: boolean): void {
    for (const [name, bar] of this.bars) {
      bar.draw(head.gauges[name]);
    }
    this.seconds = ticking ? head.gauges.seconds : null;
    this.since = performance.now();
  }

  /** Time goes on between two updates. */
  tick(): void {
    if (this.seconds) {
      const spent = this.seconds.spent + (performance.now() - this.since) / 1000;
      const limit = this.seconds.limit;
      const text = limit === null ? clock(spent) : `${clock(spent)} of ${clock(limit)}`;
      this.bars.get('seconds')?.draw({ ...this.seconds, spent, text });
    }
  }
}

class Bar {
  readonly node: HTMLElement;
  private readonly value = el('span', 'value');
  private readonly spent = el('span', 'spent');
  private readonly reserved = el('span', 'reserved');
  private readonly landing = el('span', 'landing');
  private readonly bar = el('div', 'bar', this.reserved, this.spent, this.landing);

  constructor(private readonly name: GaugeName) {
    const row = el('div', 'gauge-row', el('span', 'key', TITLES[name]), this.value);
    this.node = el('div', 'gauge', row, this.bar);
    mark(this.bar, { role: 'meter', 'aria-label': TITLES[name], 'aria-valuemin': 0 });
  }

  draw(gauge: Gauge): void {
    const share = (amount: number): string =>
      `${gauge.limit ? Math.min(Math.max(amount / gauge.limit, 0), 1) * 100 : 0}%`;
    say(this.value, gauge.text);
    this.spent.style.width = share(gauge.spent);
    this.reserved.style.width = share(gauge.spent + gauge.reserved);
    this.landing.style.left = share(gauge.landing ?? 0);
    this.landing.hidden = gauge.landing === null;
    mark(this.bar, {
      'aria-valuenow': gauge.spent,
      'aria-valuemax': gauge.limit ?? gauge.spent,
      'aria-valuetext': gauge.text,
      title: this.words(gauge),
      'data-unlimited': gauge.limit === null,
      'data-high': gauge.limit !== null && gauge.spent / gauge.limit >= 0.9
    });
  }

  private words(gauge: Gauge): string {
    const write = { usd, tokens: count, seconds: clock, iterations: count }[this.name];
    const held = gauge.reserved > 0 ? `; ${write(gauge.reserved)} reserved for the call that is out` : '';
    const ahead = gauge.landing === null ? '' : `; about ${write(gauge.landing)} if every allowed round is used`;
    return `${TITLES[this.name]}: ${gauge.text}${gauge.limit === null ? ', no limit' : ''}${held}${ahead}`;
  }
}
