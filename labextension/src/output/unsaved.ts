import { ICodeCellModel } from '@jupyterlab/cells';
import { NotebookPanel } from '@jupyterlab/notebook';
import { IOutput } from '@jupyterlab/nbformat';

import { Json, object } from '../run/json';
import { RunLink } from './run_link';
import { MIME } from './run_output';

/** Asks the kernel once for runs whose cells lost them: a page that was closed or reloaded before it was saved. */
export async function restoreUnsaved(panel: NotebookPanel): Promise<void> {
  await panel.context.ready;
  await panel.sessionContext.ready;
  const bare = new Map(loopCells(panel).map(cell => [cell.id, cell]));
  if (!bare.size || !panel.sessionContext.session?.kernel) {
    return;
  }
  const over = (): void => link.dispose();
  const nothing = (): void => undefined;
  const link: RunLink = new RunLink(
    panel.sessionContext,
    { cells: [...bare.keys()] },
    { opened: nothing, unloaded: nothing, lost: nothing, away: nothing, heard: message => put(object(message['cells']), bare, over) }
  );
  panel.disposed.connect(over);
}

/** The cells of loops that show no run. */
function loopCells(panel: NotebookPanel): ICodeCellModel[] {
  const cells = [...(panel.model?.cells ?? [])].filter(cell => cell.type === 'code') as ICodeCellModel[];
  return cells.filter(cell => /^\s*%%?loop/m.test(cell.sharedModel.source) && !shows(cell));
}

function shows(cell: ICodeCellModel): boolean {
  return cell.outputs.toJSON().some(output => MIME in object(output['data']));
}

function put(found: Json, bare: Map<string, ICodeCellModel>, over: () => void): void {
  for (const [id, bundle] of Object.entries(found)) {
    const cell = bare.get(id);
    if (cell && !cell.isDisposed && !shows(cell)) {
      cell.outputs.add({ output_type: 'display_data', data: bundle, metadata: {} } as IOutput);
    }
  }
  over();
}
