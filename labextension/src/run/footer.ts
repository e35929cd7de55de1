import { query } from './detail';
import { el, mark, say } from './dom';
import { Snapshot } from './types';

const PHASES = ['plan', 'execute', 'verify', 'wait'] as const;

/** What the colours mean, and where the rest is. */
export class Footer {
  readonly node: HTMLElement;
  private readonly notes = el('ul', 'notes');
  private readonly count = el('summary', 'summary');
  private readonly folded = el('details', 'folded', this.count, this.notes);
  private readonly query = el('code', 'query');

  constructor() {
    const keys = PHASES.map(name => el('span', 'legend', el('span', `swatch phase-${name}`), name));
    this.node = el('div', 'bottom', el('div', 'footer', ...keys, this.query), this.folded);
  }

  draw(run: Snapshot): void {
    say(this.query, query(run.run));
    if (this.notes.childElementCount !== run.notes.length || this.notes.lastChild?.textContent !== run.notes.at(-1)) {
      this.notes.replaceChildren(...run.notes.map(words => el('li', 'word', words)));
    }
    say(this.count, run.notes.length === 1 ? '1 note' : `${run.notes.length} notes`);
    mark(this.folded, { 'data-empty': run.notes.length === 0 });
  }
}
