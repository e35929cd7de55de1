import { count } from './amounts';
import { Choice, Tab, TABS } from './choice';
import { button, el, mark, say } from './dom';
import { note, PANES, source } from './panes';
import { Round, Snapshot } from './types';

let numbered = 0;

/** One round, in the order of the questions that a person asks. */
export class Detail {
  readonly node: HTMLElement;
  private readonly pane = el('div', 'pane');
  private readonly tabs: Map<Tab, HTMLButtonElement>;
  private readonly latest: HTMLButtonElement;
  private readonly where = el('span', 'where');
  private drawn = '';

  constructor(
    private readonly choice: () => Choice,
    private readonly changed: () => void
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
    this.node.hidden = round === null;
    if (!round) {
      return;
    }
    say(this.where, `round ${round.n}`);
    this.latest.hidden = pinned === null || run.termination !== null;
    for (const [name, tab_] of this.tabs) {
      mark(tab_, { 'aria-selected': String(name === tab), tabindex: name === tab ? 0 : -1 });
      say(tab_, name + amount(name, round));
    }
    const streaming = tab === 'Candidate' && round.candidate === null && round.mark === 'live' && run.stream;
    const state = JSON.stringify([tab, streaming ? run.stream : round]);
    if (state !== this.drawn) {
      this.drawn = state;
      this.show(streaming ? [el('pre', 'source plain stream', run.stream)] : content(tab, round, run), !!streaming);
    }
  }

  private show(nodes: Node[], toEnd: boolean): void {
    this.pane.replaceChildren(...nodes);
    if (toEnd) {
      this.pane.scrollTop = this.pane.scrollHeight;
    }
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

function content(tab: Tab, round: Round, run: Snapshot): Node[] {
  if (round.trimmed) {
    return [note(`The texts of this round are in the history: ${query(run.run)} AND iteration = ${round.n}`)];
  }
  if (tab !== 'Candidate') {
    return PANES[tab](round);
  }
  if (round.candidate !== null) {
    return [source(round.candidate)];
  }
  if (round.answer) {
    return [note('No candidate could be read from this answer:'), el('pre', 'source plain', round.answer)];
  }
  return [note(round.mark === 'live' ? 'Waiting for the model.' : 'There is no candidate.')];
}

/** The line magic that shows the rounds of a run. */
export function query(run: string): string {
  return `%loop_sql FROM iterations WHERE run_id = '${run}'`;
}
