import { plain, SIGNS } from './amounts';
import { el, mark, say } from './dom';
import { Check, Head } from './types';

const WORDS = { open: 'not run yet', pass: 'passed', fail: 'failed' } as const;

/** The checks keep their places and turn. */
export class Checks {
  readonly node: HTMLElement;
  private readonly list = el('ul', 'check-list');
  private readonly rows: Row[] = [];

  constructor() {
    this.node = el('div', 'checks', el('div', 'title', 'Checks'), this.list);
  }

  draw(head: Head): void {
    head.checks.forEach((check, at) => {
      const row = (this.rows[at] ??= this.add());
      row.draw(check);
    });
    this.rows.splice(head.checks.length).forEach(row => row.node.remove());
    this.node.hidden = head.checks.length === 0;
  }

  private add(): Row {
    const row = new Row();
    this.list.append(row.node);
    return row;
  }
}

class Row {
  private readonly sign = el('span', 'sign');
  private readonly name = el('code', 'code');
  private readonly note = el('span', 'note');
  readonly node = el('li', 'check', this.sign, el('span', 'check-text', this.name, this.note));

  draw(check: Check): void {
    say(this.sign, SIGNS[check.state]);
    mark(this.sign, { 'data-state': check.state, role: 'img', 'aria-label': WORDS[check.state] });
    say(this.name, check.name);
    mark(this.name, { 'data-hidden-check': check.hidden });
    const note = [numbers(check), check.message].filter(Boolean).join(' · ');
    say(this.note, note);
    this.note.hidden = !note;
  }
}

function numbers(check: Check): string {
  if (!check.metric) {
    return '';
  }
  const goal = check.metric.target === null ? '' : ` · goal ${plain(check.metric.target)}`;
  return `now ${plain(check.metric.value)}${goal}`;
}
