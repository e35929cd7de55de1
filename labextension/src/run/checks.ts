import { plain, SIGNS } from './amounts';
import { el, mark, say } from './dom';
import { Check, Head, Round, Verdict } from './types';

const WORDS = { open: 'not run yet', pass: 'passed', fail: 'failed' } as const;

/** The checks keep their places and turn. */
export class Checks {
  readonly node: HTMLElement;
  private readonly list = el('ul', 'check-list');
  private readonly rows: Row[] = [];

  private readonly title = el('div', 'title');

  constructor() {
    this.node = el('div', 'checks', this.title, this.list);
  }

  /** The checks as they stand in the chosen round; as the run says where that is not known. */
  draw(head: Head, round: Round | null): void {
    const known = round !== null && (round.verdicts.length > 0 || round.mark === 'live');
    const asked = head.approval !== null && round?.mark === 'live';
    const checks = asked ? head.checks.map(beforeApproval) : known ? inRound(head.checks, round) : head.checks;
    say(this.title, known ? `Checks in round ${round.n}` : 'Checks');
    checks.forEach((check, at) => {
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

/** A person is asked last: all that needs no person has passed. */
function beforeApproval(check: Check): Check {
  return { ...check, metric: null, message: '', state: check.name.includes('approve(') ? 'open' : 'pass' };
}

/** The verdicts of a round in the places of the checks; one that was not reached is open. */
function inRound(checks: Check[], round: Round): Check[] {
  const left = [...round.verdicts];
  const take = (name: string): Verdict | undefined => {
    const at = left.findIndex(verdict => !verdict.hidden && verdict.name === name);
    return at < 0 ? undefined : left.splice(at, 1)[0];
  };
  const hidden = left.filter(verdict => verdict.hidden);
  return checks.map(check => {
    if (check.hidden) {
      const failed = hidden.some(verdict => !verdict.passed);
      return { ...check, metric: null, state: failed ? 'fail' : hidden.length ? 'pass' : 'open' };
    }
    const verdict = take(check.name);
    const state = verdict ? (verdict.passed ? 'pass' : 'fail') : 'open';
    return { ...check, state, message: verdict?.message ?? '', metric: verdict?.metric ?? null };
  });
}

function numbers(check: Check): string {
  if (!check.metric) {
    return '';
  }
  const goal = check.metric.target === null ? '' : ` · goal ${plain(check.metric.target)}`;
  return `now ${plain(check.metric.value)}${goal}`;
}
