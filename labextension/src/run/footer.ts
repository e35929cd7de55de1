import { query } from './detail';
import { el, say } from './dom';
import { Snapshot } from './types';

const PHASES = ['plan', 'execute', 'verify', 'wait'] as const;

/** What the colours mean, and where the rest is. */
export class Footer {
  readonly node: HTMLElement;
  private readonly notes = el('ul', 'notes');
  private readonly query = el('code', 'query');

  constructor() {
    const keys = PHASES.map(name => el('span', 'legend', el('span', `swatch phase-${name}`), name));
    this.node = el('div', 'bottom', this.notes, el('div', 'footer', ...keys, this.query));
  }

  draw(run: Snapshot): void {
    say(this.query, query(run.run));
    if (this.notes.childElementCount !== run.notes.length || this.notes.lastChild?.textContent !== run.notes.at(-1)) {
      this.notes.replaceChildren(...run.notes.map(words => el('li', 'word', words)));
    }
    this.notes.hidden = run.notes.length === 0;
  }
}
