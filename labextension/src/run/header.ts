import { el, mark, say } from './dom';
import { Steering } from './steering';
import { Head } from './types';

const QUIET = 3000; // ms between two announcements to a screen reader

/** First glance: what the run is doing, and what may be done to it. */
export class Header {
  readonly node: HTMLElement;
  private readonly state = el('span', 'state');
  private readonly name = el('span', 'name');
  private readonly meta = el('span', 'meta');
  private readonly end = el('div', 'end');
  private readonly notice = el('div', 'notice');
  private readonly status = el('span', 'spoken');
  private spoken = '';
  private timer = 0;

  constructor(steering: Steering | null) {
    const row = el('div', 'header', this.state, this.name, this.meta);
    mark(this.status, { role: 'status', 'aria-live': 'polite' });
    mark(this.notice, { role: 'alert' });
    this.notice.hidden = true;
    this.node = el('div', 'top', row, this.notice, this.end, this.status);
    if (steering) {
      row.append(steering.buttons);
      row.after(steering.forms);
    }
  }

  draw(head: Head): void {
    say(this.state, head.headline);
    mark(this.state, { 'data-state': stateOf(head) });
    say(this.name, head.name);
    mark(this.name, { title: head.goal });
    const tools = head.tools.map(tool => `tool ${tool}`);
    say(this.meta, [head.model, head.isolation, ...tools].filter(Boolean).join(' · '));
    say(this.end, head.termination?.message ?? '');
    this.end.hidden = !head.termination?.message;
    this.announce(`${head.name}: ${head.headline}`, stateOf(head) + head.state);
  }

  /** A line that only concerns this page: an error, a kernel that does not answer. Empty hides it. */
  tell(words: string): void {
    say(this.notice, words);
    this.notice.hidden = !words;
  }

  dispose(): void {
    window.clearTimeout(this.timer);
  }

  private announce(words: string, state: string): void {
    if (state !== this.spoken && !this.timer) {
      this.spoken = state;
      say(this.status, words);
      this.timer = window.setTimeout(() => (this.timer = 0), QUIET);
    }
  }
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
