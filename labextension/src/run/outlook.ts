import { el, mark, say } from './dom';
import { Breaker, Head } from './types';

/** What may become of the run, and which models are being left alone. */
export class Outlook {
  readonly node: HTMLElement;
  private readonly forecast = el('span', 'forecast-text');
  private readonly line = el('div', 'forecast', this.forecast);
  private readonly breakers = el('ul', 'breakers');

  constructor() {
    mark(this.breakers, { 'aria-label': 'circuit breakers' });
    this.node = el('div', 'outlook', this.line, this.breakers);
  }

  draw(head: Head): void {
    const seen = head.forecast;
    this.line.hidden = seen === null;
    say(this.forecast, seen?.text ?? '');
    mark(this.line, { title: seen?.more || null });
    const words = head.breakers.map(told);
    if (this.breakers.textContent !== words.join('')) {
      this.breakers.replaceChildren(...words.map(word => el('li', 'breaker', word)));
    }
    this.breakers.hidden = words.length === 0;
    this.node.hidden = this.line.hidden && this.breakers.hidden;
  }
}

function told(breaker: Breaker): string {
  const how =
    breaker.state === 'open' ? `left alone for ${breaker.pause.toFixed(0)} s` : 'one call asks whether it is back';
  return `breaker of ${breaker.model} for ${breaker.fault.replaceAll('_', ' ')}: ${breaker.state.replaceAll('_', '-')}, ${how}`;
}
