import { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { ILoops } from '../kernels/loops';
import { Row } from '../kernels/row';
import { text } from '../run/json';

/** The run that a command is for: the one in its arguments, else the newest that it fits. */
export function runOf(loops: ILoops, args: ReadonlyPartialJSONObject, fits: (row: Row) => boolean): Row | null {
  const named = text(args['run']);
  return named ? loops.find(named) : loops.latest(fits);
}

/** The schema of the arguments of a command about a run. */
export const RUN_SCHEMA = {
  type: 'object' as const,
  properties: { run: { type: 'string' as const, description: 'Id of the run; by default the newest that fits.' } }
};
