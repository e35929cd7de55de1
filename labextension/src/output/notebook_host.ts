import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { NotebookActions, NotebookPanel } from '@jupyterlab/notebook';

import { Host } from '../run/host';

/** What a notebook does for the runs in it. */
export function notebookHost(panel: NotebookPanel, languages: IEditorLanguageRegistry | null, node: HTMLElement): Host {
  return {
    insert: (code, execute) => insert(panel, node, code, execute),
    ...(languages && { highlight: (code: string, language: string) => highlight(languages, code, language) })
  };
}

function insert(panel: NotebookPanel, node: HTMLElement, code: string, execute: boolean): void {
  const { content } = panel;
  const found = content.widgets.findIndex(cell => cell.node.contains(node));
  const at = (found < 0 ? content.activeCellIndex : found) + 1; // a view in another tab has no cell around it
  content.model?.sharedModel.insertCell(at, { cell_type: 'code', source: code, metadata: {} });
  content.activeCellIndex = at;
  content.deselectAll();
  if (execute) {
    void NotebookActions.run(content, panel.sessionContext);
  } else {
    content.mode = 'edit';
  }
}

async function highlight(languages: IEditorLanguageRegistry, code: string, name: string): Promise<Node[]> {
  const into = document.createElement('div');
  const language = await languages.getLanguage(name);
  await languages.highlight(code, language, into);
  return [...into.childNodes];
}
