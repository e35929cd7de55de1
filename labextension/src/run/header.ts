import { button, el, mark, say } from './dom';
import { Host, Standing } from './host';
import { Steering } from './steering';
import { Head } from './types';

const QUIET = 3000; // ms between two announcements to a screen reader
const CONFIRMED = 6000; // ms that a confirmation stands

/** First glance: what the run is doing, and what may be done to it. Below it is one line, which is always there. */
export class Header {
  readonly node: HTMLElement;
  readonly line = el('div', 'line-below');
  private readonly state = el('span', 'state');
  private readonly name = el('span', 'name');
  private readonly meta = el('span', 'meta');
  private readonly notice = el('span', 'notice');
  private readonly words = el('span', 'message');
  private readonly resume: HTMLButtonElement;
  private readonly status = el('span', 'spoken');
  private head: Head | null = null;
  private standing: Standing = 'saved';
  private confirmed = { words: '', until: 0, during: '' };
  private spoken = '';
  private timer = 0;

  constructor(steering: Steering | null, host: Host) {
    const row = el('div', 'header', this.state, this.name, this.meta);
    const { insert } = host;
    this.resume = button('Resume', 'button', () => this.head && insert?.(resumed(this.head), true));
    this.resume.hidden = true;
    mark(this.status, { role: 'status', 'aria-live': 'polite' });
    mark(this.notice, { role: 'alert' });
    this.notice.hidden = true;
    this.line.append(this.notice, this.words, this.resume);
    this.node = el('div', 'top', row, this.line, this.status);
    if (steering) {
      row.append(steering.buttons);
      row.after(steering.forms);
    }
    this.canResume = insert !== undefined;
  }

  private readonly canResume: boolean;

  draw(head: Head, standing: Standing): void {
    [this.head, this.standing] = [head, standing];
    const left = !head.termination && ABSENT[standing] !== undefined;
    say(this.state, left ? [standing === 'gone' ? 'kernel gone' : 'not live', where(head)].filter(Boolean).join(' · ') : head.headline);
    mark(this.state, { 'data-state': left ? 'gone' : stateOf(head) });
    say(this.name, head.name);
    mark(this.name, { title: head.goal });
    const tools = head.tools.map(tool => `tool ${tool}`);
    const meta = [head.model, head.isolation, ...tools].filter(Boolean).join(' · ');
    say(this.meta, meta);
    mark(this.meta, { title: meta });
    this.resume.hidden = !(left && standing === 'gone' && this.canResume);
    this.drawLine();
    this.announce();
  }

  /** A line that only concerns this page: an error, a kernel that does not answer. Empty hides it. */
  tell(words: string): void {
    say(this.notice, words);
    this.notice.hidden = !words;
    this.drawLine();
  }

  /** What the kernel says that it will do; it stands until that has happened, or for some seconds. */
  confirm(words: string): void {
    this.confirmed = { words, until: performance.now() + CONFIRMED, during: this.head?.doing ?? '' };
    this.drawLine();
    window.setTimeout(() => this.drawLine(), CONFIRMED + 50);
  }

  dispose(): void {
    window.clearTimeout(this.timer);
  }

  private drawLine(): void {
    const stands = performance.now() < this.confirmed.until && this.confirmed.during === this.head?.doing;
    const confirmed = stands ? this.confirmed.words : '';
    const words = this.head ? confirmed || below(this.head, this.standing) : '';
    say(this.words, words);
    mark(this.words, { title: words || null });
    this.words.hidden = !this.notice.hidden;
  }

  /** Tell a screen reader at most every few seconds, and then the last state. */
  private announce(): void {
    if (this.timer || !this.head?.name) {
      return;
    }
    const words = `${this.head.name}: ${this.state.textContent ?? ''}`;
    if (words !== this.spoken) {
      this.spoken = words;
      say(this.status, words);
      this.timer = window.setTimeout(() => {
        this.timer = 0;
        this.announce();
      }, QUIET);
    }
  }
}

const ABSENT: Partial<Record<Standing, string>> = {
  saved: 'This is a saved picture',
  silent: 'The kernel says nothing',
  away: 'No connection to the kernel',
  elsewhere: 'It goes on in another kernel',
  gone: 'The kernel is gone'
};

/** The line below the first glance: how the run ended, what it waits for, or why nothing moves. */
function below(head: Head, standing: Standing): string {
  if (head.termination) {
    return head.termination.message;
  }
  const absent = ABSENT[standing];
  if (absent) {
    const how = standing === 'gone' ? `; ${resumed(head)} goes on from there` : '';
    return `${absent}, last state at ${time(head.at)}${how}`;
  }
  return standing === 'asking' ? `asking the kernel; last state at ${time(head.at)}` : head.doing;
}

function where(head: Head): string {
  return head.round ? `round ${head.round}` : '';
}

function resumed(head: Head): string {
  return `%loops resume ${head.run}`;
}

/** The local time, with the day where it is another one. */
function time(at: string): string {
  const then = new Date(at);
  if (Number.isNaN(then.getTime())) {
    return 'an unknown time';
  }
  const today = then.toDateString() === new Date().toDateString();
  return then.toLocaleString([], { ...(!today && { dateStyle: 'medium' as const }), timeStyle: 'short' as const });
}

function stateOf(head: Head): string {
  if (head.termination) {
    if (head.score !== null) {
      return 'pass';
    }
    const ends: Record<string, string> = { verified: 'pass', error: 'fail', refused: 'fail', breaker_open: 'fail' };
    return ends[head.termination.reason] ?? 'over';
  }
  return head.paused || head.state === 'wait' ? 'wait' : 'live';
}
