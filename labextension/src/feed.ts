import { Json, list, number, object, text } from './run/json';
import { readHead, readRounds } from './run/read';
import { Snapshot } from './run/types';

/** The part of anywidget's model that is used here. */
export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  on(name: string, act: (message: unknown) => void): void;
  off(name: string, act: (message: unknown) => void): void;
  send(message: unknown): void;
}

const KEPT = 200;

/** Puts the changes of the rounds together, and notices when one was missed. */
export class Feed {
  private rev = -1;
  private rows = new Map<number, Json>();

  constructor(private readonly model: Model) {}

  /** Take over the model's `rounds`; false when a change before it was missed. */
  take(): boolean {
    const news = object(this.model.get('rounds'));
    const [since, rev] = [number(news['since']), number(news['rev'])];
    if (rev <= this.rev) {
      return true;
    }
    if (since > 0 && since !== this.rev) {
      return false;
    }
    for (const row of list(news['rows']).map(object)) {
      const n = number(row['n']);
      const known = this.rows.get(n);
      const poorer = row['trimmed'] === true && known !== undefined && known['mark'] !== 'live';
      this.rows.set(n, poorer ? known : row);
    }
    this.rev = rev;
    this.rows = new Map([...this.rows].sort(([a], [b]) => a - b).slice(-KEPT));
    // Leave the whole in the page's model, for views that open later; nothing is sent to the kernel.
    this.model.set('rounds', { since: 0, rev, rows: [...this.rows.values()] });
    return true;
  }

  /** Take a round with its texts over; false where there is none. */
  put(row: unknown): boolean {
    const whole = object(row);
    const n = number(whole['n']);
    const known = this.rows.get(n)?.['trimmed'] === true;
    if (known) {
      this.rows.set(n, whole);
    }
    return known;
  }

  /** What is known, as a notebook keeps it. */
  picture(): Json {
    const head = object(this.model.get('head'));
    return { version: 1, ...head, ticking: false, rounds: [...this.rows.values()], stream: text(this.model.get('stream')) };
  }

  read(): Snapshot {
    const head = readHead(this.model.get('head'));
    return { ...head, rounds: readRounds([...this.rows.values()]), stream: text(this.model.get('stream')) };
  }
}
