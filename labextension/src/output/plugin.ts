import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import { notebookHost } from './notebook_host';
import { MIME, RunOutput } from './run_output';
import { restoreUnsaved } from './unsaved';

const RANK = -30; // above the widget's renderer, which is -10, and the one for saved runs

/** Draws the runs of notebooks, live. */
export const runOutput: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-loops:output',
  description: 'Draws the runs of a notebook: live while its kernel has them, else as they stood last.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [IEditorLanguageRegistry],
  activate: (_: JupyterFrontEnd, notebooks: INotebookTracker, languages: IEditorLanguageRegistry | null) => {
    const prepare = (panel: NotebookPanel): void => {
      panel.content.rendermime.addFactory(
        {
          safe: true,
          mimeTypes: [MIME],
          createRenderer: () =>
            new RunOutput(panel.sessionContext, node => notebookHost(panel, languages, node))
        },
        RANK
      );
      void restoreUnsaved(panel);
    };
    notebooks.forEach(prepare);
    notebooks.widgetAdded.connect((_tracker, panel) => prepare(panel));
  }
};
