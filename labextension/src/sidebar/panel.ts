import { TranslationBundle } from '@jupyterlab/translation';
import { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { ILoops } from '../kernels/loops';
import { button, el, mark, say } from '../run/dom';
import { Acts } from './item';
import { Section } from './section';
import { DaySpending } from './spending';

const ENDS = ['', 'verified', 'iterations', 'budget_usd', 'budget_tokens', 'budget_time', 'stopped', 'error', 'open'];
const PAUSE = 250; // ms after the last letter of a search

export interface PanelActs extends Acts {
  stopAll(): void;
  insertTemplate(): void;
}

/** The sidebar. It asks the history only while it is seen, and draws only then. */
export class LoopsPanel extends Widget {
  private readonly notice = el('div', 'panel-notice');
  private readonly stopAll: HTMLButtonElement;
  private readonly day: DaySpending;
  private readonly waiting: Section;
  private readonly running: Section;
  private readonly recent: Section;
  private readonly search = el('input', 'search');
  private readonly end = el('select', 'filter');
  private readonly found = el('div', 'found');
  private readonly empty: HTMLElement;
  private readonly scroll = el('div', 'panel-scroll');
  private timer = 0;
  private clock = 0;
  private wasConnected = false;

  constructor(
    private readonly loops: ILoops,
    acts: PanelActs,
    private readonly cap: () => number | null,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jloops-panel');
    this.stopAll = button(trans.__('Stop all'), 'button button-stop', () => acts.stopAll());
    this.day = new DaySpending(trans);
    this.waiting = new Section(trans.__('Waiting for you'), acts, trans);
    this.running = new Section(trans.__('Running'), acts, trans);
    this.recent = new Section(trans.__('Recent'), acts, trans);
    this.empty = this.emptyState(acts);
    mark(this.notice, { role: 'alert' });
    const top = el('div', 'panel-top', el('b', 'panel-title', trans.__('Loops')), this.stopAll);
    const sections = [this.waiting, this.running, this.recent].map(section => section.node);
    this.scroll.append(...sections, this.empty, this.found);
    this.scroll.addEventListener('scroll', () => this.scrolled(), { passive: true });
    this.node.append(top, this.notice, this.day.node, this.filters(), this.scroll);
    loops.changed.connect(this.update, this);
    this.tell('');
  }

  /** A line that needs attention; empty hides it. */
  tell(words: string): void {
    say(this.notice, words);
    this.notice.hidden = !words;
  }

  override dispose(): void {
    window.clearInterval(this.clock);
    window.clearTimeout(this.timer);
    super.dispose();
  }

  protected override onAfterShow(_: Message): void {
    this.wasConnected = false; // what other kernels and other pages did meanwhile
    this.update();
  }

  protected override onBeforeHide(_: Message): void {
    this.run(false);
  }

  protected override onUpdateRequest(_: Message): void {
    if (!this.isVisible) {
      return;
    }
    if (this.loops.connected && !this.wasConnected) {
      this.read();
    }
    this.wasConnected = this.loops.connected;
    this.draw();
  }

  private draw(): void {
    const [live, recent] = [this.loops.live(), this.loops.recent()];
    const words = this.search.value.trim().toLowerCase();
    const fits = live.filter(row => !words || `${row.name} ${row.model} ${row.run}`.toLowerCase().includes(words));
    this.waiting.draw(fits.filter(row => row.waiting !== null));
    this.running.draw(fits.filter(row => row.waiting === null));
    this.recent.draw(recent);
    this.day.draw(this.loops.today, this.cap());
    this.stopAll.hidden = live.length === 0;
    this.run(live.length > 0);
    const filtered = words !== '' || this.end.value !== '';
    this.empty.hidden = live.length + recent.length > 0 || filtered;
    this.search.parentElement?.toggleAttribute('hidden', !this.empty.hidden);
    say(this.found, this.foundWords(recent.length, filtered));
  }

  private foundWords(shown: number, filtered: boolean): string {
    const count = this.loops.count;
    if (!this.empty.hidden || count === null) {
      return '';
    }
    const runs = filtered || shown < count ? this.trans.__('%1 runs', Math.max(count, shown)) : '';
    return [runs, this.loops.note].filter(Boolean).join(' · ');
  }

  /** The clocks of runs that go on: they run while they are seen. */
  private run(on: boolean): void {
    if (!on) {
      window.clearInterval(this.clock);
      this.clock = 0;
    } else if (!this.clock) {
      this.clock = window.setInterval(() => this.tick(), 1000);
    }
  }

  private tick(): void {
    const now = Date.now();
    this.running.tick(now);
    this.waiting.tick(now);
  }

  private read(): void {
    this.recent.shrink();
    this.loops
      .filter({ words: this.search.value.trim(), end: this.end.value })
      .then(() => this.tell(''))
      .catch((error: Error) => this.tell(this.loops.connected ? error.message : ''));
  }

  private scrolled(): void {
    const { scrollTop, clientHeight, scrollHeight } = this.scroll;
    if (scrollTop + clientHeight > scrollHeight - 600 && !this.recent.grow()) {
      this.loops
        .more()
        .then(() => {
          this.draw();
          this.recent.grow(); // nobody scrolls further at the end
        })
        .catch(() => undefined);
    }
  }

  private filters(): HTMLElement {
    mark(this.search, { type: 'search', placeholder: this.trans.__('Search runs'), 'aria-label': this.trans.__('Search runs') });
    this.search.addEventListener('input', () => {
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.read(), PAUSE);
      this.draw();
    });
    mark(this.end, { 'aria-label': this.trans.__('How runs ended') });
    for (const end of ENDS) {
      const option = el('option', '', end ? end.replaceAll('_', ' ') : this.trans.__('all'));
      option.value = end;
      this.end.append(option);
    }
    this.end.addEventListener('change', () => this.read());
    return el('div', 'filters', this.search, this.end);
  }

  private emptyState(acts: PanelActs): HTMLElement {
    const words = this.trans.__(
      'A loop states a goal and the checks that decide whether it is met. It plans, runs and verifies by itself until they pass or a limit is reached.'
    );
    return el(
      'div',
      'empty',
      el('p', 'empty-words', words),
      el('pre', 'empty-code', '%load_ext jupyter_loops'),
      button(this.trans.__('Insert a first loop'), 'button button-go', () => acts.insertTemplate()),
      el('p', 'dim', this.trans.__('Runs of all notebooks appear here.'))
    );
  }
}
