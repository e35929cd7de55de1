import assert from 'node:assert/strict';
import { test } from 'node:test';

import { diff, sides } from '../src/run/diff';

const written = (before: string, after: string): string => diff(before, after).map(({ sign, text }) => sign + text).join('|');

test('a diff has what is shared, removed and added, in order', () => {
  assert.equal(written('a\nb\nc', 'a\nx\nc'), ' a|-b|+x| c');
  assert.equal(written('a', 'a'), ' a');
  assert.equal(written('a\nb', 'b'), '-a| b');
  assert.equal(written('', 'a'), '-|+a');
});

test('side by side, changed lines stand beside each other', () => {
  const rows = sides(diff('a\nb\nc\nd', 'a\nx\nd')).map(row => row.map(line => line?.text ?? null));
  assert.deepEqual(rows, [['a', 'a'], ['b', 'x'], ['c', null], ['d', 'd']]);
});

test('a text that is far too long for a table is shown as new', () => {
  const long = Array.from({ length: 3000 }, (_, n) => `line ${n}`).join('\n');
  assert.equal(diff(long, long).length, 6000);
});
