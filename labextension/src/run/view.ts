import { ApprovalPane } from './approval';
import { Checks } from './checks';
import { Choice, choiceOf } from './choice';
import { Detail } from './detail';
import { el, mark } from './dom';
import { Footer } from './footer';
import { Gauges } from './gauges';
import { Header } from './header';
import { Host, Standing } from './host';
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
  standing: Standing = 'saved';
  private steady = false; // was live here: its height stays, so that nothing below it jumps

  constructor(steer: Steer | null, host: Host = {}) {
    this.steering = steer ? new Steering(steer) : null;
    this.header = new Header(this.steering, host);
    this.approval = new ApprovalPane(steer);
    this.rounds = new Rounds(n => this.choose(n));
    this.detail = new Detail(
      () => this.choice(),
      () => this.redraw(),
      host,
      steer ? n => steer('round', n) : null
    );
    const body = el('div', 'body', this.rounds.node, this.checks.node);
    const stage = el('div', 'stage', this.approval.node, this.detail.node);
    this.header.line.append(this.outlook.node);
    const parts = [this.header, this.gauges, this.progress];
    this.node.append(...parts.map(part => part.node), body, stage, this.footer.node);
    this.timer = window.setInterval(() => this.gauges.tick(), 1000);
  }

  draw(run: Snapshot): void {
    this.run = run;
    mark(this.node, { 'aria-label': `Run ${run.name}` });
    const live = this.standing === 'live';
    this.steady = this.steady || live;
    mark(this.node, { 'data-standing': this.standing, 'data-steady': this.steady });
    this.header.draw(run, this.standing);
    this.steering?.draw(run, live);
    this.approval.draw(run, live);
    this.gauges.draw(run, live && run.ticking);
    this.outlook.draw(run);
    this.progress.draw(run);
    const chosen = this.chosen(run);
    this.checks.draw(run, chosen);
    this.rounds.draw(run, chosen?.n ?? null);
    this.detail.draw(run, chosen);
    this.detail.node.hidden = !this.approval.node.hidden;
    this.footer.draw(run);
  }

  /** How the run stands to its kernel: only a live one has buttons that act, and a clock that runs. */
  stand(standing: Standing): void {
    this.standing = standing;
    this.redraw();
  }

  /** Look like the view that this one takes over from: its height, the place in its lists. */
  keep(other: RunView | null): void {
    if (other) {
      this.steady = other.steady;
    }
  }

  /** A command did not come through, and may be tried again. */
  failed(): void {
    this.steering?.failed();
    this.approval.failed();
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
