/** Lines that two texts share, in order, and those that only one of them has. */

export type Sign = ' ' | '+' | '-';

export interface DiffLine {
  sign: Sign;
  text: string;
}

const MOST = 2_000_000; // cells of the table; longer texts are shown as all new

export function diff(before: string, after: string): DiffLine[] {
  const [a, b] = [before.trimEnd().split('\n'), after.trimEnd().split('\n')];
  if (a.length * b.length > MOST) {
    return [...a.map(text => line('-', text)), ...b.map(text => line('+', text))];
  }
  const shared = lengths(a, b);
  const found: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      found.push(line(' ', a[i] ?? ''));
      [i, j] = [i + 1, j + 1];
    } else if (i < a.length && (j >= b.length || at(shared, i + 1, j) >= at(shared, i, j + 1))) {
      found.push(line('-', a[i] ?? ''));
      i += 1;
    } else {
      found.push(line('+', b[j] ?? ''));
      j += 1;
    }
  }
  return found;
}

/** Left and right column: shared lines side by side, changed ones beside each other as far as they go. */
export function sides(lines: DiffLine[]): [DiffLine | null, DiffLine | null][] {
  const rows: [DiffLine | null, DiffLine | null][] = [];
  let [removed, added]: [DiffLine[], DiffLine[]] = [[], []];
  const flush = (): void => {
    for (let n = 0; n < Math.max(removed.length, added.length); n += 1) {
      rows.push([removed[n] ?? null, added[n] ?? null]);
    }
    [removed, added] = [[], []];
  };
  for (const each of lines) {
    if (each.sign === ' ') {
      flush();
      rows.push([each, each]);
    } else {
      (each.sign === '-' ? removed : added).push(each);
    }
  }
  flush();
  return rows;
}

function line(sign: Sign, text: string): DiffLine {
  return { sign, text };
}

function at(table: Uint32Array[], i: number, j: number): number {
  return table[i]?.[j] ?? 0;
}

/** table[i][j]: how many lines the ends from i and j share. */
function lengths(a: string[], b: string[]): Uint32Array[] {
  const table = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const row = table[i];
      if (row) {
        row[j] = a[i] === b[j] ? at(table, i + 1, j + 1) + 1 : Math.max(at(table, i + 1, j), at(table, i, j + 1));
      }
    }
  }
  return table;
}
