import assert from 'node:assert/strict';
import { test } from 'node:test';

import { TranslationBundle } from '@jupyterlab/translation';

import { loopName } from '../src/cells/places';
import { digestOf } from '../src/cells/source';
import { Row, readRow, readRows } from '../src/kernels/row';
import { sentence } from '../src/notify/sentence';
import { overridden } from '../src/settings/overridden';
import { steps } from '../src/sidebar/sparkline';
import { wordsOf } from '../src/sidebar/words';
import { restWords } from '../src/status/rest_words';

const fill = (words: string, values: unknown[]): string => words.replace(/%(\d)/g, (_, at) => String(values[Number(at) - 1]));
const trans = {
  __: (words: string, ...values: unknown[]) => fill(words, values),
  _n: (one: string, many: string, n: number, ...values: unknown[]) => fill(n === 1 ? one : many, values)
} as unknown as TranslationBundle;

function row(values: object): Row {
  const made = readRow({ run: '20261129T101010-aa', name: 'slug', live: true, total: 4, rounds: 12, ...values });
  assert.ok(made);
  return made;
}

test('what is no row is left out, and every value has its type', () => {
  assert.deepEqual(readRows([null, 3, {}, { run: '' }, 'x']), []);
  const odd = readRow({ run: 'r', name: 7, spark: ['x', 1], usd: 'much', rounds: null, parts: [], started: 'never' });
  assert.deepEqual([odd?.name, odd?.spark, odd?.usd, odd?.rounds, odd?.parts, odd?.started], ['', [0, 1], 0, null, null, 0]);
});

test('a run says what it is doing and how good it is', () => {
  assert.deepEqual(pick(row({ round: 5, passed: 3 })), ['◌', 'live', 'round 5 of 12', '3 / 4']);
  assert.deepEqual(pick(row({ round: 5, paused: true })), ['‖', 'wait', 'paused · round 5 of 12', '']);
  assert.deepEqual(pick(row({ waiting: 'approve(text)' })).slice(0, 3), ['?', 'ask', 'asks: approve(text)']);
  assert.deepEqual(pick(row({ live: false, end: 'verified', round: 3 })), ['✓', 'pass', 'verified', '3 rounds']);
  assert.deepEqual(pick(row({ live: false, end: 'budget_usd', score: 0.97131 })), ['■', 'over', 'budget usd', '0.9713']);
  assert.deepEqual(pick(row({ live: false, end: 'kernel ended' })).slice(0, 3), ['✕', 'fail', 'kernel ended']);
  assert.deepEqual(pick(row({ parts: { total: 20, done: 8, verified: 7 } })), ['◌', 'live', '8 of 20 parts', '7 ✓']);
});

function pick(one: Row): string[] {
  const words = wordsOf(one, trans, 0);
  return [words.sign, words.kind, words.doing, words.figure];
}

test('the status item speaks of one run, or names the newest of several', () => {
  assert.equal(restWords([row({ round: 3, usd: 0.13 })], trans), ' · round 3 of 12 · $0.130');
  const asked = row({ name: 'greet', waiting: 'approve(x)', usd: 1 });
  assert.equal(restWords([asked, row({ round: 3, usd: 0.5 })], trans), ' · slug round 3 of 12 · $1.50');
  assert.equal(restWords([asked], trans), ' · $1.00');
});

test('a notification is one short sentence', () => {
  assert.equal(sentence(row({ live: false, end: 'verified' }), trans), 'slug is verified');
  assert.equal(sentence(row({ waiting: 'approve(x)' }), trans), 'slug waits for you: approve(x)');
  assert.equal(sentence(row({ live: false, end: 'iterations', message: 'm'.repeat(500) }), trans).length, 130);
});

test('a loop cell is known by its first line, remarks above it allowed', () => {
  assert.equal(loopName('%%loop slug --usd 1\nx'), 'slug');
  assert.equal(loopName('# why\n%%loop slug\nx'), 'slug');
  assert.equal(loopName('%%loop --usd 1\nx'), '');
  assert.equal(loopName('%%loop_sql\nSELECT 1'), null);
  assert.equal(loopName('print("%%loop slug")'), null);
});

test('a setting that a kernel does not take over is named with its reason', () => {
  const answer = {
    usd: { value: 2, source: 'config', error: '' },
    iterations: { value: 3, source: 'lab', error: '' },
    model: { value: null, source: 'default', error: 'no such thing' }
  };
  assert.deepEqual(overridden({ usd: 0.5, iterations: 3, model: 7 }, answer), ['usd is 2 by %config', 'model: no such thing']);
  assert.deepEqual(overridden({ usd: 2 }, answer), []);
});

test('a sparkline rises by steps', () => {
  assert.equal(steps([0, 1, 0.5], true), 'M2.0 12.0 H26.0 V2.0 H50.0 V2.0');
  assert.equal(steps([5], true), 'M2.0 12.0');
});

test('the digest of a cell is that of the text below its first line', async () => {
  const one = await digestOf('%%loop a --usd 1\nassert True');
  assert.equal(one, await digestOf('# remark\n%%loop a --usd 2\nassert True'));
  assert.notEqual(one, await digestOf('%%loop a --usd 1\nassert False'));
});
