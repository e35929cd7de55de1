import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readHead, readRounds, readSnapshot } from '../src/run/read';

test('a picture of another version is not read', () => {
  assert.equal(readSnapshot({ version: 2 }), null);
  assert.equal(readSnapshot('x'), null);
  assert.equal(readSnapshot(null), null);
});

test('values of the wrong type become empty ones', () => {
  const [round] = readRounds([{ n: '7', mark: '<img>', phases: [['plan', -3], 'x'], calls: 'x', why: { a: 1 } }]);
  assert.equal(round?.n, 0);
  assert.equal(round?.mark, 'live');
  assert.deepEqual(round?.phases, [['plan', 0], ['', 0]]);
  assert.deepEqual(round?.calls, []);
  assert.deepEqual(round?.tools, []);
  assert.equal(round?.why, '');
});

test('shares stay between nothing and all', () => {
  const { progress } = readHead({ progress: [[1, 7, -2, 'pass'], [2, NaN, Infinity, 'x']] });
  assert.deepEqual(progress.map(point => [point.value, point.best]), [[1, 0], [0, 0]]);
});

test('long lists keep their newest end', () => {
  const rounds = readRounds(Array.from({ length: 900 }, (_, n) => ({ n })));
  assert.equal(rounds.length, 500);
  assert.equal(rounds.at(-1)?.n, 899);
});

test('an image is base64 of a PNG or nothing', () => {
  const good = `iVBORw0KGgo${'A'.repeat(40)}=`;
  const [round] = readRounds([
    { output: { figures: [{ png: good }, { png: 'javascript:alert(1)' }, { png: `${good}" onload="x` }, { png: 7 }, 'x'] } }
  ]);
  assert.deepEqual(round?.output?.figures.map(figure => figure.png), [good, '', '', '', '']);
});
