import { showErrorMessage } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';

import { ILoops } from '../kernels/loops';
import { Row } from '../kernels/row';
import { RUN_SCHEMA, runOf } from './targets';

/** Commands that steer runs. Returns their ids. */
export function addSteering(commands: CommandRegistry, loops: ILoops, trans: TranslationBundle): string[] {
  const steer = (id: string, what: string, label: string, caption: string, fits: (row: Row) => boolean): string => {
    commands.addCommand(id, {
      label,
      caption,
      isEnabled: args => {
        const row = runOf(loops, args, fits);
        return row !== null && fits(row);
      },
      execute: async args => {
        const row = runOf(loops, args, fits);
        if (row) {
          await attempt(label, trans, () => loops.ask(what, row.run));
        }
      },
      describedBy: { args: RUN_SCHEMA }
    });
    return id;
  };
  commands.addCommand('jupyter-loops:stop-all', {
    label: trans.__('Stop All Loops'),
    caption: trans.__('End every run of every open kernel now; the best candidates are kept'),
    isEnabled: () => loops.live().length > 0,
    execute: () => loops.stopAll(),
    describedBy: { args: { type: 'object', properties: {} } }
  });
  return [
    steer('jupyter-loops:pause', 'pause', trans.__('Pause Loop'), trans.__('Hold before the next phase'), row => row.live && !row.paused),
    steer('jupyter-loops:resume', 'resume', trans.__('Resume Loop'), trans.__('Go on'), row => row.live && row.paused),
    steer('jupyter-loops:step', 'step', trans.__('Step Loop'), trans.__('One round, then hold'), row => row.live),
    steer('jupyter-loops:stop', 'stop', trans.__('Stop Loop'), trans.__('End now and keep the best candidate'), row => row.live),
    steer('jupyter-loops:fork', 'fork', trans.__('Fork Loop'), trans.__('Start a new run from its last round'), row => !row.live && row.end !== 'verified'),
    'jupyter-loops:stop-all'
  ];
}

/** Do it; what goes wrong is one line in a dialog. */
export async function attempt(label: string, trans: TranslationBundle, act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    await showErrorMessage(label, error instanceof Error ? error.message : trans.__('It did not work.'));
  }
}
