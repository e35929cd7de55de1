import { Cell } from '@jupyterlab/cells';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import { Row } from '../kernels/row';

const NAMED = /^%%loop[ \t]+([^\s-]\S*)/m;

/** The name on the first line of a %%loop cell; "" for one without a name, null for any other cell. */
export function loopName(source: string): string | null {
  if (!/^\s*(#.*\n\s*)*%%loop(\s|$)/.test(source)) {
    return null;
  }
  return NAMED.exec(source)?.[1] ?? '';
}

/** Whether a row may belong to a notebook: to its kernel, or else to its name. */
export function belongs(row: Row, panel: NotebookPanel, kernel: string | null): boolean {
  return kernel !== null
    ? panel.sessionContext.session?.kernel?.id === kernel
    : row.notebook !== '' && baseName(panel.context.path) === row.notebook;
}

/** The notebook and the cell of a run, among those that are open; the cell by its id, else by the loop's name. */
export function placeOf(
  row: Row,
  notebooks: INotebookTracker,
  kernel: string | null
): { panel: NotebookPanel; cell: Cell | null } | null {
  let found: { panel: NotebookPanel; cell: Cell | null } | null = null;
  notebooks.forEach(panel => {
    if (!belongs(row, panel, kernel)) {
      return;
    }
    const cells = panel.content.widgets;
    const cell =
      cells.find(one => row.cell !== '' && one.model.id === row.cell) ??
      cells.find(one => loopName(one.model.sharedModel.getSource()) === row.name) ??
      null;
    if (found === null || cell) {
      found = { panel, cell };
    }
  });
  return found;
}

/** Whether a person can see the cell right now. */
export function inSight(place: { panel: NotebookPanel; cell: Cell | null } | null): boolean {
  if (!place?.cell || !place.panel.isVisible || document.visibilityState === 'hidden') {
    return false;
  }
  const [cell, view] = [place.cell.node.getBoundingClientRect(), place.panel.content.node.getBoundingClientRect()];
  return cell.height > 0 && cell.bottom > view.top && cell.top < view.bottom;
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
