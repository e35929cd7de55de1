import { button, el, mark, say } from './dom';
import { Steer } from './steering';
import { Approval, Head } from './types';

/** A value that waits for a person: what it is, how it differs from what the notebook has, and the two answers. */
export class ApprovalPane {
  readonly node = el('section', 'approval');
  private readonly title = el('div', 'title');
  private readonly value = el('pre', 'source plain');
  private readonly diff = el('pre', 'source plain');
  private readonly comment = el('input', 'input approval-comment');
  private readonly buttons: HTMLButtonElement[] = [];
  private drawn = '';
  private asked: Approval | null = null;

  /** Without `steer` nobody can answer from here: a saved run. */
  constructor(private readonly steer: Steer | null) {
    mark(this.node, { 'aria-label': 'approval' });
    mark(this.value, { tabindex: 0, 'aria-label': 'value' });
    mark(this.diff, { tabindex: 0, 'aria-label': 'difference to what the notebook has' });
    mark(this.comment, { type: 'text', name: 'comment', autocomplete: 'off', placeholder: 'comment' });
    mark(this.comment, { 'aria-label': 'Comment; with a rejection it is what the model is told' });
    this.node.hidden = true;
    this.node.append(this.title, this.value, this.diff);
    if (steer) {
      this.buttons.push(
        button('Approve', 'button', () => this.answer('approve')),
        button('Reject', 'button button-stop', () => this.answer('reject'))
      );
      this.node.append(el('div', 'form', this.comment, ...this.buttons));
      // JupyterLab has shortcuts for single letters; Enter in the comment is no answer, so that none is given by accident.
      this.node.addEventListener('keydown', event => event.stopPropagation());
    }
  }

  draw(head: Head, reachable: boolean): void {
    this.asked = head.termination ? null : head.approval;
    this.node.hidden = this.asked === null;
    if (!this.asked) {
      this.drawn = '';
      return;
    }
    const state = JSON.stringify(this.asked);
    if (state !== this.drawn) {
      this.drawn = state;
      this.comment.value = '';
      this.enable(true);
      this.show(this.asked);
    }
    if (!reachable) {
      this.enable(false);
    }
  }

  /** What did not come through may be tried again. */
  failed(): void {
    this.enable(true);
  }

  private show(asked: Approval): void {
    say(this.title, `Waiting for approval: ${asked.check}`);
    say(this.value, asked.value);
    const lines = asked.diff.split('\n').map(line => {
      const kind = line.startsWith('+') ? ' line-added' : line.startsWith('-') ? ' line-removed' : '';
      return el('span', `line${kind}`, line, '\n');
    });
    this.diff.replaceChildren(...lines);
    this.diff.hidden = !asked.diff;
  }

  private answer(command: 'approve' | 'reject'): void {
    if (this.asked && this.steer) {
      this.enable(false);
      this.steer(command, { number: this.asked.number, comment: this.comment.value.trim() });
    }
  }

  private enable(on: boolean): void {
    for (const each of this.buttons) {
      each.disabled = !on;
    }
  }
}
