import { Notebook, NotebookActions, NotebookPanel } from '@jupyterlab/notebook';

import templates from './templates.json';

export interface Template {
  id: string;
  label: string;
  source: string;
}

export const TEMPLATES: readonly Template[] = templates;
const LOAD = '%load_ext jupyter_loops';

/** A code cell below the active one, which it becomes. */
export function insertCode(notebook: Notebook, source: string): void {
  const fresh = notebook.activeCell;
  if (fresh?.model.type !== 'code' || fresh.model.sharedModel.getSource() !== '') {
    NotebookActions.insertBelow(notebook);
  }
  notebook.activeCell?.model.sharedModel.setSource(source);
  notebook.mode = 'edit';
}

/** A template's cell; before it the one that loads the extension, where the kernel has not. */
export function insertTemplate(panel: NotebookPanel, id: string, loaded: boolean): void {
  const template = TEMPLATES.find(one => one.id === id) ?? TEMPLATES[0];
  const sources = panel.content.widgets.map(cell => cell.model.sharedModel.getSource());
  if (!loaded && !sources.some(source => source.includes(LOAD))) {
    insertCode(panel.content, LOAD);
  }
  insertCode(panel.content, template?.source ?? '');
}
