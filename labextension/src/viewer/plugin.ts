import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { RUN_SCHEMA, runOf } from '../commands/targets';
import { ILoops } from '../kernels/loops';
import { text } from '../run/json';
import { loopIcon } from '../sidebar/icon';

const OPEN = 'jupyter-loops:open-view';

/** The view of a run as a tab, beside its notebook. Its script is loaded with the first tab. */
export const viewer: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-loops:viewer',
  description: 'Opens the view of a run as a tab.',
  autoStart: true,
  requires: [ILoops],
  optional: [ICommandPalette, ILayoutRestorer, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    loops: ILoops,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_loops');
    const tabs = new WidgetTracker<MainAreaWidget<Widget & { run: string }>>({ namespace: 'jupyter-loops-runs' });
    app.commands.addCommand(OPEN, {
      label: trans.__('Open View of Loop Run'),
      caption: trans.__('The run as a tab, live while it goes on'),
      isEnabled: args => text(args['run']) !== '' || runOf(loops, args, () => true) !== null,
      execute: async args => {
        const row = runOf(loops, args, () => true);
        const run = row?.run ?? text(args['run']);
        const open = tabs.find(tab => tab.content.run === run);
        if (open) {
          app.shell.activateById(open.id);
          return;
        }
        const { RunTab } = await import('./run_tab');
        const tab = new MainAreaWidget({ content: new RunTab(loops, run) });
        tab.id = `jupyter-loops-run-${run}`;
        tab.title.label = row?.name ?? run;
        tab.title.icon = loopIcon;
        await tabs.add(tab);
        app.shell.add(tab, 'main', { mode: 'split-right', ref: app.shell.currentWidget?.id ?? null });
      },
      describedBy: { args: RUN_SCHEMA }
    });
    void restorer?.restore(tabs, { command: OPEN, name: tab => tab.content.run, args: tab => ({ run: tab.content.run }) });
    palette?.addItem({ command: OPEN, category: trans.__('Loops') });
  }
};
