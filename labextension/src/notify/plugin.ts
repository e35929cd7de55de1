import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification as LabNotification } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { inSight, placeOf } from '../cells/places';
import { ILoops } from '../kernels/loops';
import { Row } from '../kernels/row';
import { ILoopSettings } from '../settings/token';
import { sentence } from './sentence';

const SHOWN = 8000; // ms; what waits for a person stays

/** A notification when a run ends or waits while nobody looks at its cell. */
export const notify: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-loops:notify',
  description: 'Notifies when a run ends or waits out of sight.',
  autoStart: true,
  requires: [ILoops],
  optional: [INotebookTracker, ILoopSettings, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    loops: ILoops,
    notebooks: INotebookTracker | null,
    settings: ILoopSettings | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_loops');
    settings?.changed.connect(() => {
      if (settings.browserNotify && 'Notification' in window && Notification.permission === 'default') {
        void Notification.requestPermission();
      }
    });
    loops.moved.connect((_, row) => {
      const when = settings?.notify ?? 'out of sight';
      const seen = notebooks !== null && inSight(placeOf(row, notebooks, loops.kernelOf(row)));
      if (when === 'never' || (when === 'out of sight' && seen)) {
        return;
      }
      const words = sentence(row, trans);
      LabNotification.emit(words, kind(row), {
        autoClose: row.waiting === null ? SHOWN : false,
        actions: [{ label: trans.__('Show'), callback: () => void app.commands.execute('jupyter-loops:jump', { run: row.run }) }]
      });
      if (settings?.browserNotify && document.hidden && 'Notification' in window && Notification.permission === 'granted') {
        new Notification('JupyterLab', { body: words, tag: row.run });
      }
    });
  }
};

function kind(row: Row): 'success' | 'warning' | 'info' {
  return row.waiting !== null ? 'info' : row.end === 'verified' ? 'success' : 'warning';
}
