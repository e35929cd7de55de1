import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, TranslationBundle, nullTranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { ILoops } from '../kernels/loops';
import { Row } from '../kernels/row';
import { button, el, say } from '../run/dom';
import { restWords } from './rest_words';

class LoopStatus extends Widget {
  private readonly count = el('b', 'status-count');
  private readonly rest = el('span', 'status-rest');
  private readonly ask = el('span', 'status-ask');

  constructor(
    private readonly trans: TranslationBundle,
    open: () => void
  ) {
    super();
    this.addClass('jloops-status');
    const click = button('', 'status-button', open);
    click.title = trans.__('Show the sidebar of loops');
    click.append(this.count, this.rest, this.ask);
    this.node.append(click);
  }

  draw(live: Row[]): void {
    const waiting = live.filter(row => row.waiting !== null).length;
    say(this.count, this.trans._n('1 loop', '%1 loops', live.length, live.length));
    say(this.rest, restWords(live, this.trans));
    say(this.ask, waiting ? ` · ${this.trans._n('1 waits for you', '%1 wait for you', waiting, waiting)}` : '');
  }
}

/** One line of words in the status bar, while something runs. */
export const status: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-loops:status',
  description: 'What runs now, in the status bar.',
  autoStart: true,
  requires: [ILoops, IStatusBar],
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, loops: ILoops, bar: IStatusBar, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter_loops');
    const item = new LoopStatus(trans, () => void app.commands.execute('jupyter-loops:open-sidebar'));
    loops.changed.connect(() => item.draw(loops.live()));
    bar.registerStatusItem('jupyter-loops:status', {
      item,
      align: 'left',
      rank: 20,
      isActive: () => loops.live().length > 0,
      activeStateChanged: loops.changed
    });
  }
};
