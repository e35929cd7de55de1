import { JSONValue } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';

import { ILoops } from '../kernels/loops';
import { el, say } from '../run/dom';
import { text } from '../run/json';
import { readSnapshot } from '../run/read';
import { RunView } from '../run/view';

/** A run, pushed by its kernel; a kernel that is opened later is asked then. */
export class RunTab extends Widget {
  private readonly view: RunView;
  private readonly hint = el('p', 'tab-hint', 'Waiting for a kernel with jupyter_loops…');
  private asked = false;
  private drawn = false;

  constructor(
    private readonly loops: ILoops,
    readonly run: string
  ) {
    super();
    this.addClass('jloops-host');
    this.addClass('jloops-tab');
    this.view = new RunView((command, value) => this.steer(command, value));
    this.view.node.hidden = true;
    this.node.append(this.hint, this.view.node);
    loops.pictured.connect(this.onPicture, this);
    loops.changed.connect(this.watch, this);
    this.watch();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.loops.ask('unwatch', this.run).catch(() => undefined);
      this.view.dispose();
    }
    super.dispose();
  }

  private watch(): void {
    if (!this.loops.connected) {
      this.asked = false; // the next kernel is asked again
      if (this.drawn && this.view.standing === 'live') {
        this.view.stand('gone');
      }
      return;
    }
    if (!this.asked) {
      this.asked = true;
      this.loops.ask('watch', this.run).catch((error: Error) => {
        if (!this.drawn) {
          say(this.hint, error.message);
        }
      });
    }
  }

  private onPicture(_: unknown, pictured: { run: string; picture: unknown }): void {
    const snapshot = pictured.run === this.run ? readSnapshot(pictured.picture) : null;
    if (snapshot) {
      this.drawn = true;
      this.hint.hidden = true;
      this.view.node.hidden = false;
      this.title.label = snapshot.name;
      this.view.stand(snapshot.termination ? 'saved' : 'live');
      this.view.draw(snapshot);
    }
  }

  private steer(command: string, value: unknown): void {
    this.loops
      .ask(command, this.run, (value ?? null) as JSONValue)
      .then(note => this.view.header.tell(text(note)))
      .catch((error: Error) => {
        this.view.header.tell(`${command.replace('_', ' ')}: ${error.message}`);
        this.view.failed();
      });
  }
}
