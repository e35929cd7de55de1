import { brief, plain, SIGNS, usd } from './amounts';
import { el, mark, say } from './dom';
import { Round, Snapshot } from './types';

const WORDS = { live: 'going on', pass: 'passed', fail: 'failed', done: 'done', cut: 'cut short' } as const;
const COLOURS: Record<string, string> = {
  plan: 'plan',
  execute: 'execute',
  observe: 'execute',
  verify: 'verify',
  decide: 'verify'
};

/** A row a round; the chosen one is shown below. Arrow keys move, and only one row is a tab stop. */
export class Rounds {
  readonly node: HTMLElement;
  private readonly older = el('span', 'older');
  private readonly list = el('ol', 'round-list');
  private readonly rows = new Map<number, Row>();
  private chosen: number | null = null;
  private readonly empty = el('li', 'empty', 'The first round is being prepared.');

  constructor(private readonly choose: (n: number) => void) {
    this.list.append(this.empty);
    this.node = el('div', 'rounds', el('div', 'title', 'Rounds', this.older), this.list);
    this.list.addEventListener('keydown', event => this.move(event));
  }

  draw(run: Snapshot, chosen: number | null): void {
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 24;
    const longest = Math.max(...run.rounds.map(round => sum(round)), 0.001);
    const known = new Set(run.rounds.map(round => round.n));
    for (const [n, row] of this.rows) {
      if (!known.has(n)) {
        row.node.remove();
        this.rows.delete(n);
      }
    }
    for (const round of run.rounds) {
      const row = this.rows.get(round.n) ?? this.add(round.n);
      row.draw(round, longest, { chosen: round.n === chosen, best: round.n === run.best, doing: run.doing });
    }
    say(this.older, `${run.older.toLocaleString('en-US')} older rounds are in the history`);
    this.older.hidden = run.older === 0;
    this.empty.hidden = run.rounds.length > 0;
    if (chosen !== this.chosen || (atEnd && chosen === run.rounds.at(-1)?.n)) {
      this.chosen = chosen;
      this.reveal(chosen);
    }
  }

  /** Scroll the list, and nothing around it, until the chosen round is in sight. */
  private reveal(chosen: number | null): void {
    const row = chosen === null ? undefined : this.rows.get(chosen)?.node;
    if (row) {
      const top = row.offsetTop - this.list.offsetTop;
      const lowest = top + row.offsetHeight - this.list.clientHeight;
      this.list.scrollTop = Math.min(Math.max(this.list.scrollTop, lowest), top);
    }
  }

  private add(n: number): Row {
    const row = new Row(() => this.choose(n));
    this.rows.set(n, row);
    this.list.append(row.node);
    return row;
  }

  private move(event: KeyboardEvent): void {
    const all = [...this.rows.entries()];
    const at = all.findIndex(([, row]) => row.button === document.activeElement);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 }[event.key];
    const next = to === undefined ? undefined : all[to];
    if (at >= 0 && next) {
      event.preventDefault();
      this.choose(next[0]);
      next[1].button.focus();
    }
  }
}

interface Shown {
  chosen: boolean;
  best: boolean;
  /** What the run does, for the round that goes on. */
  doing: string;
}

class Row {
  private readonly n = el('span', 'n');
  private readonly sign = el('span', 'sign');
  private readonly phases = el('span', 'phases');
  private readonly checks = el('span', 'passed');
  private readonly why = el('span', 'why');
  private readonly cost = el('span', 'cost');
  readonly button = el('button', 'round', this.n, this.sign, this.phases, this.checks, this.why, this.cost);
  readonly node = el('li', 'round-item', this.button);
  private drawn = '';

  constructor(choose: () => void) {
    this.button.type = 'button';
    this.button.addEventListener('click', choose);
  }

  draw(round: Round, longest: number, { chosen, best, doing }: Shown): void {
    mark(this.button, { 'aria-current': chosen ? 'true' : null, tabindex: chosen ? 0 : -1 });
    say(this.n, String(round.n));
    say(this.sign, SIGNS[round.mark]);
    mark(this.sign, { 'data-state': round.mark });
    say(this.checks, outcome(round));
    say(this.why, (best ? '★ ' : '') + (round.why || (round.mark === 'live' ? doing : '')));
    say(this.cost, round.usd ? usd(round.usd) : round.seconds ? brief(round.seconds) : '');
    mark(this.button, { title: round.why, 'aria-label': spoken(round, best) });
    const state = JSON.stringify([round.phases, round.state, longest]);
    if (state !== this.drawn) {
      this.drawn = state;
      this.phases.replaceChildren(...round.phases.map(phase => segment(phase, longest)));
    }
  }
}

function segment([state, seconds]: [string, number], longest: number): HTMLElement {
  const made = el('span', `phase phase-${COLOURS[state] ?? 'wait'}`);
  made.style.width = `${(seconds / longest) * 100}%`;
  made.title = `${state} ${brief(seconds)}`;
  return made;
}

/** The score where there is one and the checks passed, else how many of them did. */
function outcome(round: Round): string {
  if (round.score !== null && round.mark === 'pass') {
    return plain(round.score);
  }
  return round.total ? `${round.passed} / ${round.total}` : '–';
}

function sum(round: Round): number {
  return round.phases.reduce((all, [, seconds]) => all + seconds, 0);
}

function spoken(round: Round, isBest: boolean): string {
  const checks = round.total ? `, ${round.passed} of ${round.total} checks passed` : '';
  const best = isBest ? ', the best so far' : '';
  return `round ${round.n}, ${WORDS[round.mark]}${checks}${best}${round.why ? `: ${round.why}` : ''}`;
}
