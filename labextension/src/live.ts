import { Feed, Model } from './feed';
import { Requests } from './requests';
import { Host } from './run/host';
import { RunView } from './run/view';

const LATE = 'Buttons act when the cell is over. To stop now, interrupt the kernel (■).';
const SILENCE = 15_000; // ms without a word, where the kernel speaks every 5 s
const LOOK = 2_000; // ms between two looks at the clock

/** A run that is followed: what the model holds is drawn, what a person does is sent. */
export class LiveRun {
  readonly view: RunView;
  readonly feed: Feed;
  private readonly requests: Requests;
  private readonly timer: number;
  private heard = performance.now();
  private due = false;
  private readonly onHead = (): void => this.hear();
  private readonly onStream = (): void => this.draw();
  private readonly onRounds = (): void => this.take();

  constructor(
    private readonly model: Model,
    host: Host = {}
  ) {
    const clicks = model.get('clicks');
    this.feed = new Feed(model);
    this.view = new RunView(clicks === 'none' ? null : (command, value) => this.requests.ask(command, value), host);
    this.requests = new Requests(model, this.view, row => this.feed.put(row) && this.draw());
    model.on('change:head', this.onHead);
    model.on('change:stream', this.onStream);
    model.on('change:rounds', this.onRounds);
    this.timer = window.setInterval(() => this.listen(), LOOK);
    this.view.header.tell(clicks === 'late' ? LATE : '');
    this.view.stand('live');
  }

  /** Draw what the model holds now. */
  start(): void {
    this.take();
    this.draw();
  }

  dispose(): void {
    window.clearInterval(this.timer);
    this.model.off('change:head', this.onHead);
    this.model.off('change:stream', this.onStream);
    this.model.off('change:rounds', this.onRounds);
    this.requests.dispose();
    this.view.dispose();
  }

  private hear(): void {
    this.heard = performance.now();
    if (this.view.standing === 'silent') {
      this.view.stand('live');
    }
    this.draw();
  }

  private listen(): void {
    if (this.view.standing === 'live' && performance.now() - this.heard > SILENCE && !this.feed.read().termination) {
      this.view.stand('silent');
    }
  }

  private take(): void {
    if (this.feed.take()) {
      this.draw();
    } else {
      this.model.send({ id: 0, do: 'refresh' });
    }
  }

  /** One update changes several traits: draw once for all of them. */
  private draw(): void {
    if (!this.due) {
      this.due = true;
      queueMicrotask(() => {
        this.due = false;
        this.view.draw(this.feed.read());
      });
    }
  }
}
