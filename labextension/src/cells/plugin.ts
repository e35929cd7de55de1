import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { ILoops } from '../kernels/loops';
import { Badges } from './badges';

/** Badges on %%loop cells: how their newest run stands. */
export const cells: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-loops:cells',
  description: 'Shows on a %%loop cell how its run stands.',
  autoStart: true,
  requires: [ILoops, INotebookTracker],
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, loops: ILoops, notebooks: INotebookTracker, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter_loops');
    const open = (run: string): void => {
      const command = ['jupyter-loops:open-view', 'jupyter-loops:open-sidebar'].find(id => app.commands.hasCommand(id));
      if (command) {
        void app.commands.execute(command, { run });
      }
    };
    notebooks.widgetAdded.connect((_, panel) => new Badges(panel, loops, row => open(row.run), trans));
    notebooks.forEach(panel => new Badges(panel, loops, row => open(row.run), trans));
  }
};
