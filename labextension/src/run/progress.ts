import { el, mark, svg } from './dom';
import { Head, Point } from './types';

const HEIGHT = 74;
const [LEFT, RIGHT, TOP, BOTTOM] = [44, 12, 12, 62];
const MANY = 60;
const AHEAD = 12; // rounds that are drawn at least, as far as the limit allows

/** One line towards the goal: steps for the best so far, a dot or a cross for each round, the forecast as a band. */
export class Progress {
  readonly node = el('div', 'progress');
  private head: Head | null = null;
  private drawn = '';
  private readonly watch = new ResizeObserver(() => this.paint());

  constructor() {
    mark(this.node, { role: 'img' });
    this.watch.observe(this.node);
  }

  draw(head: Head): void {
    this.head = head;
    this.node.hidden = head.progress.length === 0;
    this.paint();
  }

  dispose(): void {
    this.watch.disconnect();
  }

  private paint(): void {
    const width = this.node.clientWidth;
    const head = this.head;
    if (!head || !width || !head.progress.length) {
      return;
    }
    const ahead = last(head);
    const state = JSON.stringify([width, ahead, head.progress, head.state, head.forecast?.curve]);
    if (state === this.drawn) {
      return;
    }
    this.drawn = state;
    this.node.replaceChildren(picture(head, width, ahead));
    const point = head.progress[head.progress.length - 1];
    mark(this.node, { 'aria-label': `progress: best ${percent(point?.best ?? 0)} after round ${point?.n ?? 0}` });
  }
}

/** The last round that has a place: of the limit where it is near, else as many again as there are. */
function last(head: Head): number {
  const limit = head.gauges.iterations.limit ?? Infinity;
  const first = head.progress[0]?.n ?? 1;
  return Math.max(Math.min(limit, Math.max(first + AHEAD - 1, 2 * head.round - first + 1)), head.round, 2);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function picture(head: Head, width: number, ahead: number): SVGElement {
  const points = head.progress;
  const first = points[0]?.n ?? 1;
  const across = (n: number): number => LEFT + ((n - first) / Math.max(ahead - first, 1)) * (width - LEFT - RIGHT);
  const up = (value: number): number => BOTTOM - value * (BOTTOM - TOP);
  const many = points.length > MANY;
  return svg(
    'svg',
    { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, 'aria-hidden': 'true' },
    line('jloops-goal', width, up(1)),
    line('jloops-ground', width, up(0)),
    label('goal', up(1)),
    label('0 %', up(0)),
    ...(head.termination ? [] : band(head, ahead, across, up)),
    svg('path', { class: 'jloops-best-line', d: steps(points, across, up) }),
    ...points.map(point => dot(point, across(point.n), up(point.value), many ? 2 : 4)),
    ...(head.termination ? [] : [now(across(Math.max(head.round, first)), points, head, up)])
  );
}

/** What the rounds to come may reach: the best so far, and from there to the goal as likely as it verifies. */
function band(head: Head, ahead: number, across: (n: number) => number, up: (value: number) => number): SVGElement[] {
  const point = head.progress[head.progress.length - 1];
  const curve = (head.forecast?.curve ?? []).slice(0, Math.max(ahead - (point?.n ?? 0), 0));
  if (!point || !curve.length) {
    return [];
  }
  const edge = curve.map((p, at) => `L${across(point.n + at + 1)} ${up(point.best + (1 - point.best) * p)}`);
  const ground = up(point.best);
  const d = `M${across(point.n)} ${ground}${edge.join('')}V${ground}Z`;
  const words = `${percent(curve[curve.length - 1] ?? 0)} to verify by round ${point.n + curve.length}`;
  return [svg('path', { class: 'jloops-band', d }, svg('title', {}, document.createTextNode(words)))];
}

function line(name: string, width: number, y: number): SVGElement {
  return svg('line', { class: name, x1: LEFT - 8, x2: width - RIGHT, y1: y, y2: y });
}

function label(words: string, y: number): SVGElement {
  return svg('text', { class: 'jloops-axis', x: 14, y: y + 3 }, document.createTextNode(words));
}

function steps(points: Point[], across: (n: number) => number, up: (value: number) => number): string {
  return points
    .map((point, at) => `${at ? 'H' : 'M'}${across(point.n)}${at ? 'V' : ' '}${up(point.best)}`)
    .join('');
}

/** A circle passed, a cross did not: shape says it too, not only colour. */
function dot(point: Point, x: number, y: number, r: number): SVGElement {
  const title = svg('title', {}, document.createTextNode(`round ${point.n}: ${percent(point.value)}`));
  if (point.mark === 'fail') {
    const cross = `M${x - r} ${y - r}L${x + r} ${y + r}M${x - r} ${y + r}L${x + r} ${y - r}`;
    return svg('path', { class: 'jloops-dot-fail', d: cross }, title);
  }
  return svg('circle', { class: `jloops-dot-${point.mark}`, cx: x, cy: y, r }, title);
}

/** A hollow circle: the round that is going on, at the height reached so far. */
function now(x: number, points: Point[], head: Head, up: (value: number) => number): SVGElement {
  const last = points[points.length - 1];
  const over = last !== undefined && last.n >= head.round;
  return svg('circle', { class: 'jloops-dot-live', cx: x, cy: up(last?.best ?? 0), r: over ? 0 : 4 });
}
