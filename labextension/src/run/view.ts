import { ApprovalPane } from './approval';
import { Checks } from './checks';
import { Choice, choiceOf } from './choice';
import { Detail } from './detail';
import { el, mark } from './dom';
import { Footer } from './footer';
import { Gauges } from './gauges';
import { Header } from './header';
import { Outlook } from './outlook';
import { Progress } from './progress';
import { Rounds } from './rounds';
import { Steer, Steering } from './steering';
import { Snapshot } from './types';

/** One run, drawn once and patched in place. Without `steer` there are no controls: a saved run. */
export class RunView {
  readonly node = el('section', 'run');
  readonly header: Header;
  readonly steering: Steering | null;
  readonly approval: ApprovalPane;
  private readonly gauges = new Gauges();
  private readonly outlook = new Outlook();
  private readonly progress = new Progress();
  private readonly checks = new Checks();
  private readonly rounds: Rounds;
  private readonly detail: Detail;
  private readonly footer = new Footer();
  private readonly timer: number;
  private run: Snapshot | null = null;

  constructor(steer: Steer | null) {
    this.steering = steer ? new Steering(steer) : null;
    this.header = new Header(this.steering);
    this.approval = new ApprovalPane(steer);
    this.rounds = new Rounds(n => this.choose(n));
    this.detail = new Detail(
      () => this.choice(),
      () => this.redraw()
    );
    const body = el('div', 'body', this.rounds.node, this.checks.node);
    const parts = [this.header, this.approval, this.gauges, this.outlook, this.progress];
    this.node.append(...parts.map(part => part.node), body, this.detail.node, this.footer.node);
    this.timer = window.setInterval(() => this.gauges.tick(), 1000);
  }

  draw(run: Snapshot): void {
    this.run = run;
    mark(this.node, { 'aria-label': `Run ${run.name}` });
    this.header.draw(run);
    this.steering?.draw(run);
    this.approval.draw(run);
    this.gauges.draw(run);
    this.outlook.draw(run);
    this.progress.draw(run);
    this.checks.draw(run);
    const chosen = this.chosen(run);
    this.rounds.draw(run, chosen?.n ?? null);
    this.detail.draw(run, chosen);
    this.footer.draw(run);
  }

  dispose(): void {
    window.clearInterval(this.timer);
    this.progress.dispose();
    this.header.dispose();
    this.node.remove();
  }

  /** The round that was picked; otherwise the newest one, or the best once the run is over. */
  private chosen(run: Snapshot): Snapshot['rounds'][number] | null {
    const n = this.choice().round ?? (run.termination ? run.best : null);
    return run.rounds.find(round => round.n === n) ?? run.rounds.at(-1) ?? null;
  }

  private choice(): Choice {
    return choiceOf(this.run?.run ?? '');
  }

  private choose(n: number): void {
    const newest = this.run?.rounds.at(-1)?.n;
    this.choice().round = n === newest && !this.run?.termination ? null : n;
    this.redraw();
  }

  private redraw(): void {
    if (this.run) {
      this.draw(this.run);
    }
  }
}
