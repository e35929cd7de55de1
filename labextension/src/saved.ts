import { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';

import { el } from './run/dom';
import { object } from './run/json';
import { readSnapshot } from './run/read';
import { RunView } from './run/view';

const MIME = 'application/vnd.jupyter-loops.run.v1+json';

/** Draws a saved run: no kernel, no controls, and no markup from the file. */
class SavedRun extends Widget implements IRenderMime.IRenderer {
  private view: RunView | null = null;

  constructor() {
    super();
    this.addClass('jloops-host');
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const picture: unknown = model.data[MIME];
    const run = readSnapshot(picture);
    this.view?.dispose();
    this.view = run ? new RunView(null) : null;
    this.node.replaceChildren(this.view?.node ?? plain(picture));
    if (run) {
      this.view?.draw(run);
    }
    return Promise.resolve();
  }

  override dispose(): void {
    this.view?.dispose();
    super.dispose();
  }
}

/** A picture of a version that is not known here: its facts, as they are. */
export function plain(picture: unknown): HTMLElement {
  const rows = Object.entries(object(picture)).map(([key, value]) => {
    const words = typeof value === 'string' ? value : JSON.stringify(value);
    return el('tr', 'tr', el('th', 'th', key), el('td', 'td', words.slice(0, 300)));
  });
  return el('section', 'run', el('p', 'hint', 'Made by another version of jupyter-loops.'), el('table', 'table', ...rows));
}

export const savedRun: IRenderMime.IExtension = {
  id: 'jupyter-loops:mime',
  description: 'Draws saved runs of jupyter-loops.',
  rendererFactory: { safe: true, mimeTypes: [MIME], createRenderer: () => new SavedRun() },
  rank: -20, // above the widget's renderer, which shows an error where its model is gone
  dataType: 'json'
};
