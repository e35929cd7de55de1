import { ISessionContext } from '@jupyterlab/apputils';
import { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Kernel } from '@jupyterlab/services';
import { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';

import { LiveRun } from '../live';
import { Host } from '../run/host';
import { Json, object } from '../run/json';
import { readSnapshot } from '../run/read';
import { Snapshot } from '../run/types';
import { RunView } from '../run/view';
import { plain } from '../saved';
import { CommModel } from './comm_model';
import { LinkListener, RunLink } from './run_link';

export const MIME = 'application/vnd.jupyter-loops.run.v1+json';
const WIDGET = 'application/vnd.jupyter.widget-view+json';

/** The output of a run in a notebook: live where a kernel has it, else the last picture, and in both cases true. */
export class RunOutput extends Widget implements IRenderMime.IRenderer, LinkListener {
  private source: IRenderMime.IMimeModel | null = null;
  private run: Snapshot | null = null; // as it was drawn last
  private still: RunView | null = null;
  private live: LiveRun | null = null;
  private model: CommModel | null = null;
  private link: RunLink | null = null;

  constructor(
    private readonly session: ISessionContext,
    private readonly host: (node: HTMLElement) => Host
  ) {
    super();
    this.addClass('jloops-host');
  }

  renderModel(source: IRenderMime.IMimeModel): Promise<void> {
    this.source = source;
    const picture: unknown = source.data[MIME];
    const run = readSnapshot(picture);
    if (!run) {
      this.node.replaceChildren(plain(picture));
    } else if (run.termination || run.run !== this.run?.run) {
      this.end();
      this.draw(run);
      if (!run.termination) {
        this.still?.stand(this.session.session?.kernel ? 'asking' : 'away');
        this.link = new RunLink(this.session, { run: run.run }, this);
      }
    }
    return Promise.resolve();
  }

  opened(comm: Kernel.IComm): void {
    this.model = new CommModel(comm);
  }

  heard(message: Json): void {
    if ('state' in message || 'answer' in message) {
      this.model?.hear(message);
      this.follow();
    } else if ('final' in message) {
      this.settle(object(message['final']), false);
    } else if ('stored' in message) {
      this.settle(object(message['stored']), message['elsewhere'] === true);
    } else if ('unknown' in message) {
      this.lost();
    }
  }

  unloaded(): void {
    this.lost();
  }

  lost(): void {
    this.freeze('gone');
  }

  away(): void {
    this.freeze('away');
  }

  override dispose(): void {
    this.end();
    this.still?.dispose();
    super.dispose();
  }

  /** The kernel has the run: from now on it is drawn from what it sends. */
  private follow(): void {
    if (!this.live && this.model?.get('head')) {
      this.live = new LiveRun(this.model, this.host(this.node));
      this.live.view.keep(this.still);
      this.still?.dispose();
      this.still = null;
      this.node.replaceChildren(this.live.view.node);
      this.live.start();
    }
  }

  /** The run's last state, from the kernel that had it or from the history. */
  private settle(bundle: Json, elsewhere: boolean): void {
    const run = readSnapshot(bundle[MIME]);
    if (!run) {
      return;
    }
    this.thaw();
    this.draw(run);
    this.still?.stand(run.termination ? 'saved' : elsewhere ? 'elsewhere' : 'gone');
    this.save(bundle);
    if (run.termination) {
      this.link?.dispose();
      this.link = null;
    }
  }

  /** Keep what was drawn last, with its buttons off. */
  private freeze(standing: 'gone' | 'away'): void {
    const picture = this.live?.feed.picture();
    const view = this.live?.view ?? this.still;
    if (this.run?.termination || !view) {
      return;
    }
    view.stand(standing);
    if (standing === 'gone' && picture) {
      const run = readSnapshot(picture);
      this.thaw();
      if (run) {
        this.draw(run);
        this.still?.stand('gone');
        this.save({ ...this.source?.data, [MIME]: picture });
      }
    }
  }

  private draw(run: Snapshot): void {
    this.run = run;
    if (!this.still) {
      this.still = new RunView(null, this.host(this.node));
      this.node.replaceChildren(this.still.node);
    }
    this.still.draw(run);
  }

  private thaw(): void {
    if (this.live) {
      const last = this.live.view;
      this.still = new RunView(null, this.host(this.node));
      this.still.keep(last);
      this.live.dispose();
      this.live = null;
      this.node.replaceChildren(this.still.node);
    }
  }

  private end(): void {
    this.link?.dispose();
    this.link = null;
    this.thaw();
  }

  /** What a saved notebook has of the run: never a widget whose model is gone. */
  private save(bundle: Json): void {
    const { [WIDGET]: _, ...data } = bundle;
    const before = readSnapshot(this.source?.data[MIME]);
    if (this.source && !before?.termination) {
      this.source.setData({ data: data as ReadonlyPartialJSONObject });
    }
  }
}
