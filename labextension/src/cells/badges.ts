import { Cell, CodeCell } from '@jupyterlab/cells';
import { NotebookPanel } from '@jupyterlab/notebook';
import { TranslationBundle } from '@jupyterlab/translation';

import { ILoops } from '../kernels/loops';
import { Row } from '../kernels/row';
import { button, mark, say } from '../run/dom';
import { doing, signOf } from '../sidebar/words';
import { belongs, loopName } from './places';
import { digestOf } from './source';

/** Badges on the %%loop cells of one notebook. */
export class Badges {
  private readonly badges = new Map<Cell, HTMLButtonElement>();
  private due = false;

  constructor(
    private readonly panel: NotebookPanel,
    private readonly loops: ILoops,
    private readonly open: (row: Row) => void,
    private readonly trans: TranslationBundle
  ) {
    loops.changed.connect(this.refresh, this);
    panel.content.model?.contentChanged.connect(this.refresh, this);
    panel.content.modelChanged.connect(() => panel.content.model?.contentChanged.connect(this.refresh, this));
    panel.disposed.connect(() => loops.changed.disconnect(this.refresh, this));
    this.refresh();
  }

  private refresh(): void {
    if (!this.due) {
      this.due = true;
      window.setTimeout(() => {
        this.due = false;
        if (!this.panel.isDisposed) {
          void this.draw();
        }
      }, 100);
    }
  }

  private async draw(): Promise<void> {
    const cells = this.panel.content.widgets;
    for (const [cell, badge] of this.badges) {
      if (!cells.includes(cell) || cell.isDisposed) {
        badge.remove();
        this.badges.delete(cell);
      }
    }
    for (const cell of cells) {
      if (cell instanceof CodeCell) {
        await this.drawOne(cell);
      }
    }
  }

  private async drawOne(cell: CodeCell): Promise<void> {
    const source = cell.model.sharedModel.getSource();
    const name = loopName(source);
    const row = name === null ? null : this.rowOf(cell, name);
    if (!row) {
      this.badges.get(cell)?.remove();
      this.badges.delete(cell);
      return;
    }
    const digest = row.end === 'verified' && row.source ? await digestOf(source) : '';
    const changed = digest !== '' && digest !== row.source;
    const badge = this.badges.get(cell) ?? this.make(cell);
    const { sign, kind } = signOf(row);
    const words = row.live
      ? doing(row, this.trans)
      : changed
        ? this.trans.__('changed since verified')
        : row.end === 'verified'
          ? this.trans.__('verified')
          : (row.end ?? '').replaceAll('_', ' ');
    say(badge, `${changed ? '≠' : sign} ${words}`);
    mark(badge, { 'data-kind': changed ? 'wait' : kind, 'data-run': row.run, title: row.message || row.name });
  }

  private rowOf(cell: CodeCell, name: string): Row | null {
    const mine = (row: Row): boolean => belongs(row, this.panel, this.loops.kernelOf(row));
    return (
      this.loops.latest(row => row.cell === cell.model.id && (row.name === name || name === '') && mine(row)) ??
      (name ? this.loops.latest(row => row.name === name && mine(row)) : null)
    );
  }

  private make(cell: CodeCell): HTMLButtonElement {
    const badge = button('', 'badge', () => {
      const row = this.loops.find(badge.dataset['run'] ?? '');
      if (row) {
        this.open(row);
      }
    });
    cell.inputArea?.node.append(badge);
    this.badges.set(cell, badge);
    return badge;
  }
}
