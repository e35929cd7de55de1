import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Feed, Model } from '../src/feed';

function model(rounds: unknown): Model {
  const state: Record<string, unknown> = { rounds };
  const nothing = (): void => undefined;
  return { get: name => state[name], set: (name, value) => (state[name] = value), on: nothing, off: nothing, send: nothing };
}

test('changes are put together, newest last', () => {
  const page = model({ since: 0, rev: 2, rows: [{ n: 2, why: 'b' }, { n: 1, why: 'a' }] });
  const feed = new Feed(page);
  assert.equal(feed.take(), true);
  page.set('rounds', { since: 2, rev: 3, rows: [{ n: 2, why: 'c' }, { n: 3 }] });
  assert.equal(feed.take(), true);
  assert.deepEqual(feed.read().rounds.map(round => [round.n, round.why]), [[1, 'a'], [2, 'c'], [3, '']]);
});

test('a missed change is noticed', () => {
  const page = model({ since: 0, rev: 2, rows: [] });
  const feed = new Feed(page);
  feed.take();
  page.set('rounds', { since: 5, rev: 6, rows: [] });
  assert.equal(feed.take(), false);
});

test('a row without texts does not replace one that has them', () => {
  const page = model({ since: 0, rev: 1, rows: [{ n: 1, mark: 'fail', candidate: { text: 'x' } }] });
  const feed = new Feed(page);
  feed.take();
  page.set('rounds', { since: 0, rev: 9, rows: [{ n: 1, mark: 'fail', trimmed: true }] });
  feed.take();
  assert.equal(feed.read().rounds[0]?.candidate, 'x');
});

test('a round that is fetched keeps its texts', () => {
  const page = model({ since: 0, rev: 1, rows: [{ n: 1, mark: 'fail', trimmed: true }] });
  const feed = new Feed(page);
  feed.take();
  assert.equal(feed.put({ n: 1, mark: 'fail', candidate: { text: 'x' } }), true);
  assert.equal(feed.put({ n: 7 }), false);
  page.set('rounds', { since: 1, rev: 2, rows: [{ n: 1, mark: 'fail', trimmed: true }, { n: 2 }] });
  feed.take();
  assert.equal(feed.read().rounds[0]?.candidate, 'x');
});
