import { TranslationBundle } from '@jupyterlab/translation';

import { Row } from '../kernels/row';

const LONGEST = 130; // characters; JupyterLab cuts at 140

/** What a notification says of a run that ended or waits. */
export function sentence(row: Row, trans: TranslationBundle): string {
  const name = row.name.slice(0, 60);
  const words =
    row.waiting !== null
      ? trans.__('%1 waits for you: %2', name, row.waiting)
      : row.end === 'verified'
        ? trans.__('%1 is verified', name)
        : trans.__('%1 ended: %2', name, row.message || (row.end ?? '').replaceAll('_', ' '));
  return words.length > LONGEST ? `${words.slice(0, LONGEST - 1)}…` : words;
}
