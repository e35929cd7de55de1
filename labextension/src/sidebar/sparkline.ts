import { svg } from '../run/dom';

const [WIDTH, HEIGHT] = [52, 14];

/** The best so far as steps: how near a run has come, round by round. */
export class Sparkline {
  private readonly path = svg('path', { fill: 'none', stroke: 'currentColor', 'stroke-width': 1.6 });
  readonly node = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'jloops-spark', 'aria-hidden': 'true' }, this.path);

  draw(values: number[], rising: boolean): void {
    this.node.style.display = values.length > 1 ? '' : 'none';
    this.path.setAttribute('d', steps(values, rising));
  }
}

export function steps(values: number[], rising: boolean): string {
  const best: number[] = [];
  for (const value of values) {
    const before = best.at(-1) ?? value;
    best.push(rising ? Math.max(before, value) : value);
  }
  const [low, high] = [Math.min(...best), Math.max(...best)];
  const span = high - low || 1;
  const x = (at: number): string => ((at / Math.max(best.length - 1, 1)) * (WIDTH - 4) + 2).toFixed(1);
  const y = (value: number): string => (HEIGHT - 2 - ((value - low) / span) * (HEIGHT - 4)).toFixed(1);
  return best.map((value, at) => (at ? `H${x(at)} V${y(value)}` : `M${x(0)} ${y(value)}`)).join(' ');
}
