import { TranslationBundle } from '@jupyterlab/translation';

import { Row } from '../kernels/row';
import { usd } from '../run/amounts';
import { doing } from '../sidebar/words';

/** " · round 3 of 12 · $0.13" for one run; for several the newest that works, by its name, and the sum. */
export function restWords(live: Row[], trans: TranslationBundle): string {
  const newest = live.find(row => row.waiting === null);
  const where = newest ? (live.length > 1 ? `${newest.name} ${doing(newest, trans)}` : doing(newest, trans)) : '';
  const spent = live.reduce((sum, row) => sum + row.usd, 0);
  return ['', where, spent ? usd(spent) : '$0'].filter((part, at) => part || at === 0).join(' · ');
}
