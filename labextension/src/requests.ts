import { Model } from './feed';
import { number, object, text } from './run/json';
import { Command } from './run/steering';
import { RunView } from './run/view';

const PATIENCE = 5000; // ms until silence is worth a word

/** Asks the kernel, and shows what came of it. */
export class Requests {
  private last = 0;
  private readonly open = new Map<number, { command: Command; timer: number }>();
  private readonly hear = (message: unknown): void => this.answered(message);

  constructor(
    private readonly model: Model,
    private readonly view: RunView,
    private readonly round: (row: unknown) => void
  ) {
    model.on('msg:custom', this.hear);
  }

  ask(command: Command, value?: unknown): void {
    const id = (this.last += 1);
    const timer = window.setTimeout(() => this.silent(id, command), PATIENCE);
    this.open.set(id, { command, timer });
    this.model.send({ id, do: command, value: value ?? null });
  }

  dispose(): void {
    this.model.off('msg:custom', this.hear);
    this.open.forEach(({ timer }) => window.clearTimeout(timer));
  }

  private answered(message: unknown): void {
    const from = object(message);
    const asked = this.open.get(number(from['id']));
    if (!asked) {
      return;
    }
    window.clearTimeout(asked.timer);
    this.open.delete(number(from['id']));
    if (asked.command === 'round') {
      this.round(from['round']);
      return;
    }
    const error = text(from['error']);
    this.view.header.tell(error ? `${asked.command.replace('_', ' ')}: ${error}` : '');
    this.view.header.confirm(error ? '' : text(from['note']));
    if (error) {
      this.view.failed();
    }
  }

  private silent(id: number, command: Command): void {
    this.open.delete(id);
    if (command === 'round') {
      return; // nobody has asked for more than to see it
    }
    const at = new Date().toLocaleTimeString();
    this.view.header.tell(
      `The kernel has not answered “${command.replace('_', ' ')}” (${at}). Interrupting it (■) stops the run.`
    );
    this.view.failed();
  }
}
