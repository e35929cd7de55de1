/** The widget's script: one run, live. anywidget calls `render` for every view of it. */

import { Model } from './feed';
import { LiveRun } from './live';
import { readSnapshot } from './run/read';
import { RunView } from './run/view';

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const live = new LiveRun(model);
  el.classList.add('jloops-host');
  el.append(live.view.node);
  live.start();
  model.send({ id: 0, do: 'seen' }); // so that the kernel knows that a page has drawn it
  return () => live.dispose();
}

/** Draw a picture that is not live; false where its version is not known. */
function saved(el: HTMLElement, picture: unknown): boolean {
  const run = readSnapshot(picture);
  if (run) {
    const view = new RunView(null);
    el.classList.add('jloops-host');
    el.append(view.node);
    view.draw(run);
  }
  return run !== null;
}

export default { render, saved };
