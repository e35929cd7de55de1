import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Menu } from '@lumino/widgets';

import { ILoops } from '../kernels/loops';
import { Row } from '../kernels/row';
import { ILoopSettings } from '../settings/token';
import { loopIcon } from './icon';
import { LoopsPanel, PanelActs } from './panel';

const OPEN = 'jupyter-loops:open-sidebar';
const ACTIONS = ['jump', 'open-view', 'pause', 'resume', 'stop', 'fork', 'insert-code', 'open-sql', 'copy-id'];

/** The sidebar over the runs of all kernels. */
export const sidebar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-loops:sidebar',
  description: 'A sidebar with the runs of all kernels and of the history.',
  autoStart: true,
  requires: [ILoops],
  optional: [ILoopSettings, ILayoutRestorer, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    loops: ILoops,
    settings: ILoopSettings | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_loops');
    const panel = new LoopsPanel(loops, actsOf(app), () => settings?.dailyCap ?? null, trans);
    panel.id = 'jupyter-loops-sidebar';
    panel.title.icon = loopIcon;
    panel.title.caption = trans.__('Loops');
    let side = settings?.side ?? 'left';
    const place = (): void => {
      const seen = panel.isVisible;
      app.shell.add(panel, side, { rank: 450, type: 'Loops' });
      if (seen) {
        app.shell.activateById(panel.id);
      }
    };
    place();
    restorer?.add(panel, panel.id);
    void app.restored.then(() => side === 'right' && place()); // the layout that was saved may have it on the left
    settings?.changed.connect(() => {
      if (settings.side !== side) {
        side = settings.side;
        place();
      }
      panel.update();
    });
    loops.lacking.connect(() => panel.tell(trans.__('A kernel has no jupyter_loops: run %pip install jupyter-loops in its notebook.')));
    app.commands.addCommand(OPEN, {
      label: trans.__('Show Loops'),
      caption: trans.__('The runs of all kernels, and their history'),
      execute: () => app.shell.activateById(panel.id),
      describedBy: { args: { type: 'object', properties: {} } }
    });
  }
};

function actsOf(app: JupyterFrontEnd): PanelActs {
  const run = (command: string, row: Row): void => {
    void app.commands.execute(`jupyter-loops:${command}`, { run: row.run });
  };
  return {
    jump: row => run('jump', row),
    look: row => run(app.commands.hasCommand('jupyter-loops:jump') ? 'jump' : 'open-view', row),
    stop: row => run('stop', row),
    stopAll: () => void app.commands.execute('jupyter-loops:stop-all'),
    insertTemplate: () => void app.commands.execute('jupyter-loops:insert-cell', { template: 'function' }),
    menu: (row, x, y) => {
      const menu = new Menu({ commands: app.commands });
      ACTIONS.map(name => `jupyter-loops:${name}`)
        .filter(command => app.commands.hasCommand(command) && app.commands.isEnabled(command, { run: row.run }))
        .forEach(command => menu.addItem({ command, args: { run: row.run } }));
      menu.open(x, y);
    }
  };
}
