import { count } from './amounts';
import { Choice, Tab, TABS } from './choice';
import { candidate } from './code';
import { comparison } from './comparison';
import { button, el, mark, say } from './dom';
import { Host } from './host';
import { note, PANES } from './panes';
import { Round, Snapshot } from './types';

let numbered = 0;

/** One round, in the order of the questions that a person asks. */
export class Detail {
  readonly node: HTMLElement;
  private readonly pane = el('div', 'pane');
  private readonly tabs: Map<Tab, HTMLButtonElement>;
  private readonly latest: HTMLButtonElement;
  private readonly where = el('span', 'where');
  private readonly fetched = new Set<number>(); // rounds whose texts the kernel was asked for
  private drawn = '';

  constructor(
    private readonly choice: () => Choice,
    private readonly changed: () => void,
    private readonly host: Host,
    private readonly fetch: ((n: number) => void) | null
  ) {
    const id = `jloops-${(numbered += 1)}`;
    this.tabs = new Map(TABS.map(name => [name, this.tab(name, id)]));
    const bar = el('div', 'tab-list', ...this.tabs.values());
    mark(bar, { role: 'tablist', 'aria-label': 'round' });
    bar.addEventListener('keydown', event => this.move(event));
    this.latest = button('Latest', 'button', () => {
      this.choice().round = null;
      this.changed();
    });
    mark(this.pane, { role: 'tabpanel', id, tabindex: 0 });
    this.node = el('div', 'detail', el('div', 'tabs', bar, this.where, this.latest), this.pane);
  }

  draw(run: Snapshot, round: Round | null): void {
    const { tab, round: pinned } = this.choice();
    if (!round) {
      say(this.where, '');
      this.latest.hidden = true;
      this.show([note('Here is what the model was asked and what it answered, once it has.')], false);
      return;
    }
    say(this.where, `round ${round.n}`);
    this.latest.hidden = pinned === null || run.termination !== null;
    for (const [name, tab_] of this.tabs) {
      mark(tab_, { 'aria-selected': String(name === tab), tabindex: name === tab ? 0 : -1 });
      say(tab_, name + amount(name, round));
    }
    const streaming = tab === 'Candidate' && round.candidate === null && round.mark === 'live' && run.stream;
    const { against, beside } = this.choice();
    const other = tab === 'Diff' ? [against, beside, run.best, run.rounds.length] : [];
    const state = JSON.stringify([tab, streaming ? run.stream : round, other]);
    if (state !== this.drawn) {
      this.drawn = state;
      this.show(streaming ? [el('pre', 'source plain stream', run.stream)] : this.content(tab, round, run), !!streaming);
    }
  }

  private show(nodes: Node[], toEnd: boolean): void {
    this.pane.replaceChildren(...nodes);
    if (toEnd) {
      this.pane.scrollTop = this.pane.scrollHeight;
    }
  }

  private content(tab: Tab, round: Round, run: Snapshot): Node[] {
    if (round.trimmed && this.fetch && !this.fetched.has(round.n)) {
      this.fetched.add(round.n);
      this.fetch(round.n);
    }
    if (round.trimmed) {
      return [note(`The texts of this round are in the history: ${query(run.run)} AND iteration = ${round.n}`)];
    }
    if (tab === 'Diff') {
      return comparison(run, round, this.choice(), this.changed);
    }
    if (tab !== 'Candidate') {
      return PANES[tab](round);
    }
    if (round.candidate !== null) {
      return [this.actions(round.candidate, round.n, run), candidate(round.candidate, this.host)];
    }
    if (round.answer) {
      return [note('No candidate could be read from this answer:'), el('pre', 'source plain', round.answer)];
    }
    return [note(round.mark === 'live' ? 'Waiting for the model.' : 'There is no candidate.')];
  }

  /** What may be done with a candidate: all of it leaves the run as it is. */
  private actions(text: string, n: number, run: Snapshot): HTMLElement {
    const { insert } = this.host;
    const copy = button('Copy', 'button', () => {
      void navigator.clipboard?.writeText(text).then(() => say(copy, 'Copied'));
    });
    const made = el('div', 'actions', copy);
    if (insert) {
      made.append(
        button('Insert as cell', 'button', () => insert(text, false)),
        button('Fork from here…', 'button', () => insert(`%loops fork ${run.run} --at ${n} --hint ""`, false))
      );
    }
    return made;
  }

  private tab(name: Tab, pane: string): HTMLButtonElement {
    const made = button(name, 'tab', () => this.open(name));
    mark(made, { role: 'tab', 'aria-controls': pane });
    return made;
  }

  private open(name: Tab): void {
    this.choice().tab = name;
    this.changed();
    this.tabs.get(name)?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  private move(event: KeyboardEvent): void {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) {
      event.preventDefault();
      const next = TABS[(TABS.indexOf(this.choice().tab) + by + TABS.length) % TABS.length] ?? 'Candidate';
      this.open(next);
      this.tabs.get(next)?.focus();
    }
  }
}

function amount(tab: Tab, round: Round): string {
  switch (tab) {
    case 'Prompt':
      return round.prompt ? ` ${count(round.prompt.tokens)} tokens` : '';
    case 'Calls':
      return round.calls.length ? ` ${round.calls.length}` : '';
    case 'Decisions':
      return round.decisions.length ? ` ${round.decisions.length}` : '';
    default:
      return '';
  }
}

/** The line magic that shows the rounds of a run. */
export function query(run: string): string {
  return `%loop_sql FROM iterations WHERE run_id = '${run}'`;
}
