import { IRenderMimeRegistry, MimeModel } from '@jupyterlab/rendermime';
import { TranslationBundle } from '@jupyterlab/translation';
import { JSONObject } from '@lumino/coreutils';
import { Message, MessageLoop } from '@lumino/messaging';
import { ISignal, Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

import { ILoops } from '../kernels/loops';
import { Row, readRows } from '../kernels/row';
import { usd } from '../run/amounts';
import { button, el, mark, say } from '../run/dom';
import { list, number, object, text } from '../run/json';
import { signOf, when } from '../sidebar/words';
import { SqlBox } from './sql_box';

const TABLE = 'application/vnd.jupyter-loops.table.v1+json';
const PLOTLY = 'application/vnd.plotly.v1+json';
const CHARTS = ['progress', 'cost', 'latency', 'timeline'];
const PAGE = 100;

/** All runs of the history: a table to choose from, charts of the chosen ones side by side, SQL below. */
export class HistoryTab extends Widget {
  private readonly notice = el('div', 'panel-notice');
  private readonly search = el('input', 'search');
  private readonly rows = el('tbody', '');
  private readonly found = el('div', 'found');
  private readonly more: HTMLButtonElement;
  private readonly kind = el('select', 'filter');
  private readonly charts = el('div', 'charts');
  private readonly results = el('div', 'sql-results');
  private readonly box: SqlBox;
  private readonly chosen = new Map<string, Row>();
  private readonly savedSignal = new Signal<this, void>(this);
  private shown: Widget[] = [];
  private loaded = 0;
  private reading = 0;
  private timer = 0;
  private wasConnected = false;

  constructor(
    private readonly loops: ILoops,
    private readonly rendermime: IRenderMimeRegistry,
    private readonly openView: (run: string) => void,
    private readonly trans: TranslationBundle,
    sql: string
  ) {
    super();
    this.addClass('jloops-panel');
    this.addClass('jloops-history');
    this.more = button(trans.__('More'), 'button', () => void this.read(this.loaded));
    this.box = new SqlBox(sql || 'SELECT loop, model, stop_reason, iterations, usd\nFROM runs ORDER BY started_at DESC LIMIT 20', {
      run: text => this.ask(text),
      complete: async text => list(await loops.ask('complete', '', { sql: text })).map(String)
    }, trans);
    this.node.append(this.notice, this.tableSide(), this.chartSide(), this.box.node, this.results);
    loops.changed.connect(this.update, this);
    if (sql) {
      this.ask(sql);
    }
    this.tell('');
  }

  get sql(): string {
    return this.box.text;
  }

  /** The query changed; the tab comes back with it. */
  get saved(): ISignal<this, void> {
    return this.savedSignal;
  }

  /** Put a query into the box, and its rows below it. */
  ask(sql: string): void {
    this.box.text = sql;
    this.savedSignal.emit();
    this.loops
      .ask('sql', '', { sql })
      .then(answer => this.render(this.results, TABLE, object(answer) as JSONObject))
      .catch((error: Error) => this.results.replaceChildren(el('p', 'sql-error', error.message)));
  }

  override dispose(): void {
    window.clearTimeout(this.timer);
    this.shown.forEach(widget => widget.dispose());
    super.dispose();
  }

  protected override onAfterShow(_: Message): void {
    this.update();
  }

  protected override onUpdateRequest(_: Message): void {
    if (this.isVisible && this.loops.connected && !this.wasConnected) {
      void this.read(0);
    }
    this.tell(this.loops.connected ? '' : this.trans.__('Open a notebook whose kernel has loaded jupyter_loops: it reads the history.'));
    this.wasConnected = this.loops.connected;
  }

  private tell(words: string): void {
    say(this.notice, words);
    this.notice.hidden = !words;
  }

  private tableSide(): HTMLElement {
    mark(this.search, { type: 'search', placeholder: this.trans.__('Search runs'), 'aria-label': this.trans.__('Search runs') });
    this.search.addEventListener('input', () => {
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => void this.read(0), 250);
    });
    const refresh = button(this.trans.__('Refresh'), 'button', () => void this.read(0));
    const heads = ['', '', 'loop', 'notebook', 'end', 'rounds', 'score', 'cost', 'model', 'started'];
    const head = el('thead', '', el('tr', '', ...heads.map(word => el('th', '', word && this.trans.__(word)))));
    const table = el('div', 'history-table', el('table', 'rows', head, this.rows), el('div', 'history-more', this.found, this.more));
    return el('section', 'history-runs', el('div', 'filters', this.search, refresh), table);
  }

  private chartSide(): HTMLElement {
    CHARTS.forEach(kind => this.kind.append(el('option', '', kind)));
    this.kind.addEventListener('change', () => void this.draw());
    mark(this.kind, { 'aria-label': this.trans.__('Chart') });
    const hint = el('span', 'dim', this.trans.__('of the runs that are ticked, side by side'));
    return el('section', 'history-charts', el('div', 'filters', this.kind, hint), this.charts);
  }

  private async read(offset: number): Promise<void> {
    const reading = (this.reading += 1);
    try {
      const value = { words: this.search.value.trim(), end: '', offset, limit: PAGE };
      const answer = object(await this.loops.ask('recent', '', value));
      if (reading !== this.reading || this.isDisposed) {
        return;
      }
      const rows = readRows(answer['rows']);
      const fresh = offset ? [] : this.fresh(value.words, rows);
      const lines = [...fresh, ...rows].map(row => this.line(row));
      this.rows.replaceChildren(...(offset ? this.rows.children : []), ...lines);
      this.loaded = offset + rows.length + fresh.length;
      const count = number(answer['count']) + fresh.length;
      this.more.hidden = this.loaded >= count;
      say(this.found, [this.trans.__('%1 of %2 runs', this.loaded, count), text(answer['note'])].filter(Boolean).join(' · '));
    } catch (error) {
      this.tell(error instanceof Error ? error.message : '');
    }
  }

  /** Runs that were pushed, and that the kernel which was asked cannot read in the history yet. */
  private fresh(words: string, stored: Row[]): Row[] {
    const known = new Set(stored.map(row => row.run));
    const newest = stored[0]?.started ?? 0;
    return [...this.loops.live(), ...this.loops.recent()].filter(
      row => !known.has(row.run) && row.started > newest && row.name.toLowerCase().includes(words.toLowerCase())
    );
  }

  private line(row: Row): HTMLElement {
    const tick = el('input', '');
    mark(tick, { type: 'checkbox', 'aria-label': this.trans.__('Chart %1', row.name) });
    tick.checked = this.chosen.has(row.run);
    tick.addEventListener('change', () => {
      tick.checked ? this.chosen.set(row.run, row) : this.chosen.delete(row.run);
      void this.draw();
    });
    const { sign, kind } = signOf(row);
    const mark_ = el('span', 'sign', sign);
    mark(mark_, { 'data-kind': kind });
    const open = button(row.name, 'link', () => this.openView(row.run));
    const score = row.score ?? (row.passed === null ? '' : `${row.passed} / ${row.total}`);
    const facts = [row.notebook, row.end ?? row.state, String(row.round), String(score), usd(row.usd), row.model, when(row.started, Date.now())];
    return el('tr', '', el('td', '', tick), el('td', '', mark_), el('td', '', open), ...facts.map(fact => el('td', '', fact)));
  }

  private async draw(): Promise<void> {
    this.shown.forEach(widget => widget.dispose());
    this.shown = [];
    this.charts.replaceChildren();
    for (const row of [...this.chosen.values()].slice(-4)) {
      const place = el('div', 'chart', el('h4', 'section-title', row.name));
      this.charts.append(place);
      try {
        const figure = object(await this.loops.ask('chart', row.run, { kind: this.kind.value }));
        await this.render(place, PLOTLY, figure as JSONObject, false);
      } catch (error) {
        place.append(el('p', 'sql-error', error instanceof Error ? error.message : ''));
      }
    }
  }

  /** Draw data by JupyterLab's own renderer of its type. */
  private async render(place: HTMLElement, type: string, data: JSONObject, alone = true): Promise<void> {
    if (!this.rendermime.mimeTypes.includes(type)) {
      place.append(el('p', 'sql-error', this.trans.__('JupyterLab has no renderer for %1.', type)));
      return;
    }
    const renderer = this.rendermime.createRenderer(type);
    await renderer.renderModel(new MimeModel({ data: { [type]: data }, trusted: true }));
    if (alone) {
      place.replaceChildren();
    }
    MessageLoop.sendMessage(renderer, Widget.Msg.BeforeAttach);
    place.append(renderer.node);
    MessageLoop.sendMessage(renderer, Widget.Msg.AfterAttach);
    this.shown.push(renderer);
  }
}
