import { JSONObject, JSONValue, Token } from '@lumino/coreutils';
import { ISignal, Signal } from '@lumino/signaling';

import { Json, list, number, object, text } from '../run/json';
import { KernelLink } from './link';
import { Links } from './links';
import { Row, Today, readRow, readRows, readToday } from './row';

export interface Filter {
  words: string;
  /** A stop reason; "" for all. */
  end: string;
}

/** All runs that this page knows of, and what a person may do to them. */
export interface ILoops {
  /** Rows, today's dollars or kernels changed. */
  readonly changed: ISignal<ILoops, void>;
  /** A run ended, or waits for a person. */
  readonly moved: ISignal<ILoops, Row>;
  /** Pictures of runs that are watched, by the id of the run. */
  readonly pictured: ISignal<ILoops, { run: string; picture: unknown }>;
  /** A kernel has no jupyter_loops; once a kernel. */
  readonly lacking: ISignal<ILoops, string>;
  readonly today: Today | null;
  /** Whether any kernel can be asked. */
  readonly connected: boolean;
  /** Runs that go on, newest first. */
  live(): Row[];
  /** Runs that are over: of the pages of the history that were read, newest first. */
  recent(): Row[];
  /** How many runs the history has for the filter; null while it was not read. */
  readonly count: number | null;
  readonly note: string;
  find(run: string): Row | null;
  /** The newest run that fits, of those that are known. */
  latest(fits: (row: Row) => boolean): Row | null;
  /** The path of the notebook that a run belongs to, where its kernel is connected. */
  path(row: Row): string;
  /** The id of the kernel that runs it, or ran it and still lives. */
  kernelOf(row: Row): string | null;
  isOpen(kernelId: string | undefined): boolean;
  filter(filter: Filter): Promise<void>;
  more(): Promise<void>;
  /** A request to the kernel of a run, or to any kernel where it reads the history. Rejected with one line. */
  ask(what: string, run?: string, value?: JSONValue): Promise<unknown>;
  stopAll(): Promise<number>;
  /** Defaults of new runs for all kernels; the answer has the ones that a kernel overrides. */
  configure(defaults: JSONObject): Promise<Json>;
}

export const ILoops = new Token<ILoops>('jupyter-loops:ILoops', 'The runs of all kernels, and their controls.');

const PAGE = 200;
const GONE = 'kernel ended';
const READS = new Set(['recent', 'code', 'fork', 'sql', 'complete', 'chart', 'watch', 'unwatch']);

export class Loops implements ILoops {
  today: Today | null = null;
  count: number | null = null;
  note = '';
  private readonly rows = new Map<string, Row>(); // pushed, of this page's time
  private pages: Row[] = [];
  private wanted: Filter = { words: '', end: '' };
  private reading = 0;
  private defaults: JSONObject | null = null;
  private readonly changedSignal = new Signal<this, void>(this);
  private readonly movedSignal = new Signal<this, Row>(this);
  private readonly picturedSignal = new Signal<this, { run: string; picture: unknown }>(this);
  private readonly lackingSignal = new Signal<this, string>(this);

  constructor(private readonly links: Links) {
    links.added.connect((_, link) => this.follow(link));
    links.removed.connect(this.onLost, this);
    links.all().forEach(link => this.follow(link));
  }

  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  get moved(): ISignal<this, Row> {
    return this.movedSignal;
  }

  get pictured(): ISignal<this, { run: string; picture: unknown }> {
    return this.picturedSignal;
  }

  get lacking(): ISignal<this, string> {
    return this.lackingSignal;
  }

  get connected(): boolean {
    return this.open().length > 0;
  }

  live(): Row[] {
    return newest([...this.rows.values()].filter(row => row.live));
  }

  recent(): Row[] {
    const plain = !this.wanted.words && !this.wanted.end;
    const pushed = plain ? [...this.rows.values()].filter(row => !row.live) : [];
    const known = new Set([...pushed, ...this.live()].map(row => row.run));
    return newest([...pushed, ...this.pages.filter(row => !known.has(row.run))]);
  }

  find(run: string): Row | null {
    return this.rows.get(run) ?? this.pages.find(row => row.run === run) ?? null;
  }

  latest(fits: (row: Row) => boolean): Row | null {
    const stored = this.pages.filter(row => !this.rows.has(row.run)); // as it was when the page was read
    return newest([...this.rows.values(), ...stored].filter(fits))[0] ?? null;
  }

  path(row: Row): string {
    const link = this.linkOf(row);
    return link ? this.links.path(link) : '';
  }

  kernelOf(row: Row): string | null {
    return this.linkOf(row)?.kernel.id ?? null;
  }

  isOpen(kernelId: string | undefined): boolean {
    return this.links.of(kernelId)?.isOpen ?? false;
  }

  async filter(filter: Filter): Promise<void> {
    this.wanted = filter;
    const reading = (this.reading += 1);
    const answer = await this.page(0);
    if (reading === this.reading) {
      this.pages = readRows(answer['rows']);
      this.take(answer);
    }
  }

  async more(): Promise<void> {
    if (this.count === null || this.pages.length >= this.count) {
      return;
    }
    const reading = this.reading;
    const answer = await this.page(this.pages.length);
    if (reading === this.reading) {
      const known = new Set(this.pages.map(row => row.run));
      this.pages.push(...readRows(answer['rows']).filter(row => !known.has(row.run)));
      this.take(answer);
    }
  }

  ask(what: string, run = '', value: JSONValue = null): Promise<unknown> {
    const row = this.find(run);
    const link = (row && this.linkOf(row)) ?? (READS.has(what) ? this.open()[0] : undefined);
    if (!link) {
      const words = READS.has(what) ? 'no kernel with jupyter_loops is open' : 'the kernel of this run is not open here';
      return Promise.reject(new Error(words));
    }
    return link.ask(what, run, value);
  }

  async stopAll(): Promise<number> {
    const counts = await Promise.allSettled(this.open().map(link => link.ask('stop_all')));
    return counts.reduce((sum, one) => sum + (one.status === 'fulfilled' ? number(one.value) : 0), 0);
  }

  async configure(defaults: JSONObject): Promise<Json> {
    this.defaults = defaults;
    const answers = await Promise.allSettled(this.open().map(link => link.ask('settings', '', defaults)));
    return answers.reduce<Json>((all, one) => (one.status === 'fulfilled' ? { ...all, ...object(one.value) } : all), {});
  }

  private open(): KernelLink[] {
    return this.links.all().filter(link => link.isOpen);
  }

  private linkOf(row: Row): KernelLink | undefined {
    return this.open().find(link => link.process === row.kernel);
  }

  private async page(offset: number): Promise<Json> {
    return object(await this.ask('recent', '', { ...this.wanted, offset, limit: PAGE }));
  }

  private take(answer: Json): void {
    for (const row of this.pages) {
      if (row.end !== null && this.rows.get(row.run)?.end === GONE) {
        this.rows.delete(row.run); // the history knows better how it ended
      }
    }
    this.count = number(answer['count']);
    this.note = text(answer['note']);
    this.today = readToday(answer['today']) ?? this.today;
    this.changedSignal.emit();
  }

  private follow(link: KernelLink): void {
    link.heard.connect(this.onHeard, this);
    link.lost.connect(this.onLost, this);
  }

  private onHeard(link: KernelLink, message: Json): void {
    if (message['kind'] === 'picture') {
      this.picturedSignal.emit({ run: text(message['run']), picture: message['picture'] });
      return;
    }
    if (message['kind'] === 'lacking') {
      this.lackingSignal.emit(link.kernel.id);
      return;
    }
    if (message['kind'] === 'hello') {
      this.greet(link, new Set(readRows(message['rows']).map(row => row.run)));
    }
    for (const value of list(message['rows'], 5000)) {
      const row = readRow(value);
      if (row) {
        this.put(row);
      }
    }
    this.today = readToday(message['today']) ?? this.today;
    this.changedSignal.emit();
  }

  /** A kernel is there, for the first time or again: what it no longer runs has ended unseen, and is in the history. */
  private greet(link: KernelLink, going: ReadonlySet<string>): void {
    for (const row of this.rows.values()) {
      if (row.live && row.kernel === link.process && !going.has(row.run)) {
        this.rows.delete(row.run);
        this.filter(this.wanted).catch(() => undefined);
      }
    }
    if (this.defaults) {
      link.ask('settings', '', this.defaults).catch(() => undefined);
    }
  }

  private put(row: Row): void {
    const before = this.rows.get(row.run);
    if (before && !row.live) {
      this.count = before.live && this.count !== null && !this.pages.some(one => one.run === row.run) ? this.count + 1 : this.count;
    }
    this.rows.set(row.run, row);
    if ((before?.live && !row.live) || (row.waiting !== null && before?.waiting !== row.waiting)) {
      this.movedSignal.emit(row);
    }
  }

  /** What ran in a kernel that is gone does not run any more. */
  private onLost(): void {
    const alive = new Set(this.links.all().map(link => link.process));
    for (const row of this.rows.values()) {
      if (row.live && !alive.has(row.kernel)) {
        const ended = { ...row, live: false, paused: false, waiting: null, state: 'end', end: GONE };
        this.rows.set(row.run, ended);
        this.movedSignal.emit(ended);
      }
    }
    this.changedSignal.emit();
  }
}

function newest(rows: Row[]): Row[] {
  return rows.sort((one, other) => other.started - one.started);
}
