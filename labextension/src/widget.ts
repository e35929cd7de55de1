/** The widget's script: one run, live. anywidget calls `render` for every view of it. */

import { Feed, Model } from './feed';
import { Requests } from './requests';
import { readSnapshot } from './run/read';
import { RunView } from './run/view';

const LATE = 'Buttons act when the cell is over. To stop now, interrupt the kernel (■).';

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const feed = new Feed(model);
  const clicks = model.get('clicks');
  const view = new RunView(clicks === 'none' ? null : (deed, value) => requests.ask(deed, value));
  const requests = new Requests(
    model,
    words => view.header.tell(words),
    () => {
      view.steering?.failed();
      view.approval.failed();
    }
  );
  let due = false;
  const draw = (): void => {
    if (!due) {
      due = true; // one update changes several traits: draw once for all of them
      queueMicrotask(() => {
        due = false;
        view.draw(feed.read());
      });
    }
  };
  const take = (): void => {
    if (feed.take()) {
      draw();
    } else {
      model.send({ id: 0, do: 'refresh' });
    }
  };
  model.on('change:head', draw);
  model.on('change:stream', draw);
  model.on('change:rounds', take);
  el.classList.add('jloops-host');
  el.append(view.node);
  view.header.tell(clicks === 'late' ? LATE : '');
  take();
  draw();
  return () => {
    model.off('change:head', draw);
    model.off('change:stream', draw);
    model.off('change:rounds', take);
    requests.dispose();
    view.dispose();
  };
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
