import assert from 'node:assert/strict';
import { test } from 'node:test';

import { brief, bytes, clock, count, plain, usd } from '../src/run/amounts';

test('amounts are written as in view/amounts.py', () => {
  assert.deepEqual([0, 1.5, 0.031, 0.005, 0.00012].map(usd), ['$0.00', '$1.50', '$0.031', '$0.005', '$0.00012']);
  assert.deepEqual([950, 8100, 20_000, 1_200_000].map(count), ['950', '8.1k', '20k', '1.2M']);
  assert.deepEqual([21, 3723].map(clock), ['0:21', '1:02:03']);
  assert.deepEqual([0.04, 2.1, 185].map(brief), ['40 ms', '2.1 s', '3:05']);
  assert.deepEqual([31e6, 2.5e9].map(bytes), ['31 MB', '2.5 GB']);
  assert.equal(plain(131_000), '131,000');
});
