import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { runOf } from '../commands/targets';
import { ILoops } from '../kernels/loops';
import { text } from '../run/json';
import { loopIcon } from '../sidebar/icon';

const OPEN = 'jupyter-loops:open-history';

/** The history of all runs as a tab: a table, SQL, charts. Its script is loaded with the tab. */
export const history: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-loops:history',
  description: 'A tab with the history of all runs: table, SQL, charts.',
  autoStart: true,
  requires: [ILoops, IRenderMimeRegistry],
  optional: [ICommandPalette, ILayoutRestorer, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    loops: ILoops,
    rendermime: IRenderMimeRegistry,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_loops');
    const tabs = new WidgetTracker<MainAreaWidget<Widget & { sql: string }>>({ namespace: 'jupyter-loops-history' });
    const show = async (sql: string): Promise<void> => {
      const { HistoryTab } = await import('./history_tab');
      const open = tabs.find(() => true);
      if (open) {
        app.shell.activateById(open.id);
        if (sql && open.content instanceof HistoryTab) {
          open.content.ask(sql);
        }
        return;
      }
      const openView = (run: string): void => void app.commands.execute('jupyter-loops:open-view', { run });
      const content = new HistoryTab(loops, rendermime, openView, trans, sql);
      const tab = new MainAreaWidget({ content });
      tab.id = 'jupyter-loops-history';
      tab.title.label = trans.__('Loop history');
      tab.title.icon = loopIcon;
      content.saved.connect(() => void tabs.save(tab));
      await tabs.add(tab);
      app.shell.add(tab, 'main');
    };
    app.commands.addCommand(OPEN, {
      label: trans.__('Browse History of Loops'),
      caption: trans.__('All runs as a table, SQL over them, and charts'),
      execute: args => show(text(args['sql'])),
      describedBy: { args: { type: 'object', properties: { sql: { type: 'string' } } } }
    });
    app.commands.addCommand('jupyter-loops:open-sql', {
      label: trans.__('Open Loop Run in SQL'),
      isEnabled: args => runOf(loops, args, () => true) !== null,
      execute: args => {
        const row = runOf(loops, args, () => true);
        return row
          ? show(`SELECT iteration, passed, total, score, why, usd, tokens\nFROM iterations WHERE run_id = '${row.run.replaceAll("'", "''")}'\nORDER BY iteration`)
          : undefined;
      },
      describedBy: { args: { type: 'object', properties: { run: { type: 'string' } } } }
    });
    void restorer?.restore(tabs, { command: OPEN, name: () => 'history', args: tab => ({ sql: tab.content.sql }) });
    palette?.addItem({ command: OPEN, category: trans.__('Loops') });
  }
};
