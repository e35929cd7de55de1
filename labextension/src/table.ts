import { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';

import { el } from './run/dom';
import { list, numberOrNull, object, text } from './run/json';

const MIME = 'application/vnd.jupyter-loops.table.v1+json';
const PAGE = 200; // rows of a page, where there are many
const CLIPPED = 40; // characters that fit into a cell
const LONGEST = 100_000; // rows that are drawn

/** Draws the rows of a query: sortable and searchable by DataTables, which gets a finished table of text nodes. */
class ResultTable extends Widget implements IRenderMime.IRenderer {
  private grid: { destroy(): unknown } | null = null;

  constructor() {
    super();
    this.addClass('jloops-result');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const { default: DataTable } = await import('datatables.net');
    const given = object(model.data[MIME]);
    const made = table(given);
    this.grid?.destroy();
    this.node.replaceChildren(made, el('p', 'count', text(given['note'])));
    const paging = made.rows.length > PAGE * 2;
    this.grid = new DataTable(made, {
      paging,
      pageLength: PAGE,
      lengthChange: false,
      info: false,
      order: [],
      autoWidth: false
    });
    made.addEventListener('click', event => unfold(event.target));
  }

  override dispose(): void {
    this.grid?.destroy();
    super.dispose();
  }
}

/** A click on a cell shows all of its text, another one a line of it. */
function unfold(target: EventTarget | null): void {
  const cell = target instanceof Element ? target.closest('td') : null;
  cell?.classList.toggle('jloops-unfolded');
}

/** What a column is sorted by is in an attribute where it is not the text itself: numbers. */
function table(given: ReturnType<typeof object>): HTMLTableElement {
  const columns = list(given['columns']).map(text);
  const orders = columns.map((_, at) => list(object(given['order'])[String(at)], LONGEST));
  const rows = list(given['rows'], LONGEST).map((row, place) => {
    const cells = list(row).map((value, at) => {
      const kind = value === null ? 'null' : orders[at]?.length ? 'number' : '';
      const words = value === null ? 'NULL' : text(value);
      const cell = el('td', kind, words);
      if (words.length > CLIPPED) {
        cell.title = words;
      }
      if (orders[at]?.length) {
        cell.dataset['order'] = String(numberOrNull(orders[at]?.[place]) ?? '');
      }
      return cell;
    });
    return el('tr', '', ...cells);
  });
  const head = el('thead', '', el('tr', '', ...columns.map(name => el('th', '', name))));
  return el('table', 'rows', head, el('tbody', '', ...rows));
}

export const resultTable: IRenderMime.IExtension = {
  id: 'jupyter-loops:table',
  description: 'Draws the rows of %loop_sql as a table that sorts and searches.',
  rendererFactory: { safe: true, mimeTypes: [MIME], createRenderer: () => new ResultTable() },
  rank: 0,
  dataType: 'json'
};
