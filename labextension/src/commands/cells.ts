import { JupyterFrontEnd } from '@jupyterlab/application';
import { Clipboard } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook';
import { TranslationBundle } from '@jupyterlab/translation';
import { Menu } from '@lumino/widgets';

import { TEMPLATES, insertCode, insertTemplate } from '../cells/insert';
import { placeOf } from '../cells/places';
import { ILoops } from '../kernels/loops';
import { text } from '../run/json';
import { loopIcon } from '../sidebar/icon';
import { attempt } from './steering';
import { RUN_SCHEMA, runOf } from './targets';

const INSERT = 'jupyter-loops:insert-cell';

/** Commands about cells and notebooks. Returns the ids for the palette. */
export function addCellCommands(
  app: JupyterFrontEnd,
  loops: ILoops,
  notebooks: INotebookTracker,
  trans: TranslationBundle
): string[] {
  const { commands, shell } = app;
  commands.addCommand(INSERT, {
    label: args => {
      const template = TEMPLATES.find(one => one.id === args['template']);
      return template ? trans.__(template.label) : trans.__('Insert Loop Cell');
    },
    caption: trans.__('A %%loop cell below the active one'),
    isEnabled: () => notebooks.currentWidget !== null,
    execute: async args => {
      const panel = notebooks.currentWidget ?? (await newNotebook(app, notebooks));
      if (panel) {
        shell.activateById(panel.id);
        insertTemplate(panel, text(args['template']), loops.isOpen(panel.sessionContext.session?.kernel?.id));
      }
    },
    describedBy: {
      args: { type: 'object', properties: { template: { type: 'string', enum: TEMPLATES.map(one => one.id) } } }
    }
  });
  commands.addCommand('jupyter-loops:choose-template', {
    label: trans.__('Insert Loop Cell…'),
    caption: trans.__('Choose what a new %%loop cell begins with'),
    isEnabled: () => notebooks.currentWidget !== null,
    execute: () => {
      const menu = new Menu({ commands });
      TEMPLATES.forEach(template => menu.addItem({ command: INSERT, args: { template: template.id } }));
      const anchor = notebooks.currentWidget?.node.querySelector('[data-jp-item-name="loop-cell"]');
      const { left, bottom } = (anchor ?? document.body).getBoundingClientRect();
      menu.open(left, anchor ? bottom : 80);
    },
    describedBy: { args: { type: 'object', properties: {} } }
  });
  commands.addCommand('jupyter-loops:jump', {
    label: trans.__('Go to Loop'),
    caption: trans.__('Show the cell of a run'),
    isEnabled: args => runOf(loops, args, () => true) !== null,
    execute: async args => {
      const row = runOf(loops, args, () => true);
      const place = row && placeOf(row, notebooks, loops.kernelOf(row));
      if (place) {
        shell.activateById(place.panel.id);
        if (place.cell) {
          place.panel.content.activeCellIndex = place.panel.content.widgets.indexOf(place.cell);
          await place.panel.content.scrollToCell(place.cell, 'start');
        }
      } else if (row && loops.path(row)) {
        await commands.execute('docmanager:open', { path: loops.path(row) });
      } else if (row) {
        await commands.execute('jupyter-loops:open-view', { run: row.run });
      }
    },
    describedBy: { args: RUN_SCHEMA }
  });
  commands.addCommand('jupyter-loops:insert-code', {
    label: trans.__('Insert Its Code as a Cell'),
    caption: trans.__('The accepted code of a run, or its best so far, below the active cell'),
    isEnabled: () => notebooks.currentWidget !== null,
    execute: async args => {
      const row = runOf(loops, args, one => one.accepted);
      const panel = (row && placeOf(row, notebooks, loops.kernelOf(row))?.panel) ?? notebooks.currentWidget;
      if (row && panel) {
        await attempt(trans.__('Insert code'), trans, async () => {
          const code = text(await loops.ask('code', row.run));
          shell.activateById(panel.id);
          const at = placeOf(row, notebooks, loops.kernelOf(row))?.cell;
          if (at) {
            panel.content.activeCellIndex = panel.content.widgets.indexOf(at);
          }
          NotebookActions.insertBelow(panel.content);
          insertCode(panel.content, code);
        });
      }
    },
    describedBy: { args: RUN_SCHEMA }
  });
  commands.addCommand('jupyter-loops:copy-id', {
    label: trans.__('Copy Id of Loop Run'),
    isEnabled: args => runOf(loops, args, () => true) !== null,
    execute: args => Clipboard.copyToSystem(runOf(loops, args, () => true)?.run ?? ''),
    describedBy: { args: RUN_SCHEMA }
  });
  commands.addCommand('jupyter-loops:new-notebook', {
    label: trans.__('Loop Notebook'),
    caption: trans.__('A notebook with a first loop in it'),
    icon: args => (args['isPalette'] ? undefined : loopIcon),
    execute: async args => {
      const panel = await newNotebook(app, notebooks, text(args['cwd']));
      if (panel) {
        insertTemplate(panel, 'function', false);
      }
    },
    describedBy: { args: { type: 'object', properties: { cwd: { type: 'string' } } } }
  });
  return [INSERT, 'jupyter-loops:choose-template', 'jupyter-loops:jump', 'jupyter-loops:insert-code', 'jupyter-loops:copy-id', 'jupyter-loops:new-notebook'];
}

/** A new notebook of the default Python kernel. */
async function newNotebook(
  app: JupyterFrontEnd,
  notebooks: INotebookTracker,
  cwd = ''
): Promise<INotebookTracker['currentWidget']> {
  const specs = app.serviceManager.kernelspecs.specs;
  const name =
    Object.values(specs?.kernelspecs ?? {}).find(spec => spec?.language.toLowerCase() === 'python')?.name ?? specs?.default;
  const opened: unknown = await app.commands.execute('notebook:create-new', { cwd, kernelName: name ?? 'python3' });
  const panel = opened as INotebookTracker['currentWidget'];
  await panel?.context.ready;
  await panel?.revealed;
  return panel ?? notebooks.currentWidget;
}
