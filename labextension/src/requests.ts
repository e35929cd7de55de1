import { Model } from './feed';
import { number, object, text } from './run/json';
import { Deed } from './run/steering';

const PATIENCE = 5000; // ms until silence is worth a word

/** Asks the kernel, and says what came of it. */
export class Requests {
  private last = 0;
  private readonly open = new Map<number, { deed: Deed; timer: number }>();
  private readonly hear = (message: unknown): void => this.answered(message);

  constructor(
    private readonly model: Model,
    private readonly tell: (words: string) => void,
    private readonly failed: () => void
  ) {
    model.on('msg:custom', this.hear);
  }

  ask(deed: Deed, value?: unknown): void {
    const id = (this.last += 1);
    const timer = window.setTimeout(() => this.silent(id, deed), PATIENCE);
    this.open.set(id, { deed, timer });
    this.model.send({ id, do: deed, value: value ?? null });
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
    const error = text(from['error']);
    this.tell(error ? `${asked.deed.replace('_', ' ')}: ${error}` : '');
    if (error) {
      this.failed();
    }
  }

  private silent(id: number, deed: Deed): void {
    this.open.delete(id);
    const at = new Date().toLocaleTimeString();
    this.tell(`The kernel has not answered “${deed.replace('_', ' ')}” (${at}). Interrupting it (■) stops the run.`);
    this.failed();
  }
}
