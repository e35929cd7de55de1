import { plain } from './amounts';
import { el, mark, svg } from './dom';
import { Head, Point } from './types';

const HEIGHT = 74;
const [LEFT, RIGHT, TOP, BOTTOM] = [56, 12, 12, 62];
const MANY = 60;
const WIDE = 100; // the highest score over the lowest, from which the axis is logarithmic
const AHEAD = 12; // rounds that are drawn at least, as far as the limit allows

/** One line towards the goal: steps for the best so far, a dot or a cross for each round, the forecast as a band. */
export class Progress {
  readonly node = el('div', 'progress');
  private head: Head | null = null;
  private drawn = '';
  private readonly watch = new ResizeObserver(() => this.paint());

  constructor() {
    mark(this.node, { role: 'img', 'aria-label': 'progress: no round is over yet' });
    this.watch.observe(this.node);
  }

  draw(head: Head): void {
    this.head = head;
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
    const best = scale(head.progress).words(point?.best ?? 0, point?.bestScore ?? null);
    mark(this.node, { 'aria-label': `progress: best ${best} after round ${point?.n ?? 0}` });
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

/** The upright axis: a share of the goal, or the scores from the lowest to the highest. */
interface Scale {
  scored: boolean;
  /** 0 at the bottom, 1 at the top; a round without a score lies at the bottom. */
  height(share: number, score: number | null): number;
  words(share: number, score: number | null): string;
  top: string;
  bottom: string;
}

function scale(points: Point[]): Scale {
  const scores = points.map(point => point.score).filter(score => score !== null);
  if (!scores.length) {
    return { scored: false, height: share => share, words: percent, top: 'goal', bottom: '0 %' };
  }
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  const axis = low > 0 && high / low > WIDE ? Math.log10 : (score: number): number => score;
  const span = axis(high) - axis(low);
  return {
    scored: true,
    height: (_, score) => (score === null ? 0 : span ? (axis(score) - axis(low)) / span : 0.5),
    words: (_, score) => (score === null ? 'no score' : plain(score)),
    top: short(high),
    bottom: span ? short(low) : ''
  };
}

/** At most six characters, which is what fits beside the axis. */
function short(score: number): string {
  const words = String(Number(score.toPrecision(3)));
  return words.length > 6 ? score.toExponential(0) : words;
}

function picture(head: Head, width: number, ahead: number): SVGElement {
  const points = head.progress;
  const axis = scale(points);
  const first = points[0]?.n ?? 1;
  const across = (n: number): number => LEFT + ((n - first) / Math.max(ahead - first, 1)) * (width - LEFT - RIGHT);
  const up = (value: number): number => BOTTOM - value * (BOTTOM - TOP);
  const many = points.length > MANY;
  return svg(
    'svg',
    { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, 'aria-hidden': 'true' },
    line(axis.scored ? 'jloops-ground' : 'jloops-goal', width, up(1)),
    line('jloops-ground', width, up(0)),
    label(axis.top, up(1)),
    label(axis.bottom, up(0)),
    ...(head.termination || axis.scored ? [] : band(head, ahead, across, up)),
    svg('path', { class: 'jloops-best-line', d: steps(points, across, point => up(best(axis, point))) }),
    ...points.map(point => dot(point, axis, { x: across(point.n), y: up(reached(axis, point)), r: many ? 2 : 4 })),
    ...(head.termination ? [] : [now(across(Math.max(head.round, first)), head, point => up(best(axis, point)))])
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

function reached(axis: Scale, point: Point): number {
  return axis.height(point.value, point.score);
}

function best(axis: Scale, point: Point): number {
  return axis.height(point.best, point.bestScore);
}

function steps(points: Point[], across: (n: number) => number, y: (point: Point) => number): string {
  return points.map((point, at) => `${at ? 'H' : 'M'}${across(point.n)}${at ? 'V' : ' '}${y(point)}`).join('');
}

/** A circle passed, a cross did not: shape says it too, not only colour. */
function dot(point: Point, axis: Scale, { x, y, r }: { x: number; y: number; r: number }): SVGElement {
  const words = axis.words(point.value, point.score);
  const title = svg('title', {}, document.createTextNode(`round ${point.n}: ${words}`));
  if (point.mark === 'fail') {
    const cross = `M${x - r} ${y - r}L${x + r} ${y + r}M${x - r} ${y + r}L${x + r} ${y - r}`;
    return svg('path', { class: 'jloops-dot-fail', d: cross }, title);
  }
  return svg('circle', { class: `jloops-dot-${point.mark}`, cx: x, cy: y, r }, title);
}

/** A hollow circle: the round that is going on, at the height reached so far. */
function now(x: number, head: Head, y: (point: Point) => number): SVGElement {
  const last = head.progress[head.progress.length - 1];
  const over = last === undefined || last.n >= head.round;
  return svg('circle', { class: 'jloops-dot-live', cx: x, cy: last ? y(last) : 0, r: over ? 0 : 4 });
}
