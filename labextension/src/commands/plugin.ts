import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { ILoops } from '../kernels/loops';
import { addCellCommands } from './cells';
import { addSteering } from './steering';

/** Commands about runs and cells, in the palette and the launcher; shortcuts and toolbar are in its schema. */
export const commands: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-loops:commands',
  description: 'Commands, palette entries and a launcher card for loops.',
  autoStart: true,
  requires: [ILoops, INotebookTracker],
  optional: [ICommandPalette, ILauncher, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    loops: ILoops,
    notebooks: INotebookTracker,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_loops');
    const ids = [
      ...addSteering(app.commands, loops, trans),
      ...addCellCommands(app, loops, notebooks, trans)
    ];
    ids.forEach(command => palette?.addItem({ command, category: trans.__('Loops') }));
    launcher?.add({ command: 'jupyter-loops:new-notebook', category: trans.__('Notebook'), rank: 3 });
    loops.changed.connect(() => app.commands.notifyCommandChanged());
  }
};
