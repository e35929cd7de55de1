import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';

import { Links } from './links';
import { ILoops, Loops } from './loops';

/** The connection to the kernels that all other plugins share. */
export const kernels: JupyterFrontEndPlugin<ILoops> = {
  id: 'jupyter-loops:kernels',
  description: 'Follows the runs of every kernel that has jupyter-loops.',
  autoStart: true,
  provides: ILoops,
  optional: [INotebookTracker],
  activate: (app: JupyterFrontEnd, notebooks: INotebookTracker | null) =>
    new Loops(new Links(app.serviceManager, notebooks))
};
