import { button, el, mark, say } from './dom';
import { GAUGES } from './read';
import { GaugeName, Head } from './types';

export type Command = 'pause' | 'resume' | 'step' | 'stop' | 'finish' | 'round' | 'hint' | 'raise_budget' | 'set' | 'approve' | 'reject';
export type Steer = (command: Command, value?: unknown) => void;

const LABELS: Record<GaugeName, string> = {
  usd: 'US dollars',
  tokens: 'tokens',
  seconds: 'seconds',
  iterations: 'rounds'
};

const HELP: Record<string, string> = {
  Pause: 'hold before the next phase; the time does not count',
  Step: 'one round, then hold',
  Finish: 'end after this round; the best candidate is kept',
  'Set…': 'another model or temperature, from the next round',
  'Hint…': 'tell the model something',
  'Budget…': 'change the limits',
  Stop: 'end now; the best candidate so far is kept'
};

/** The buttons, and the two small forms that some of them open. */
export class Steering {
  readonly buttons = el('div', 'controls');
  readonly forms = el('div', 'forms');
  private readonly pause: HTMLButtonElement;
  private readonly stop: HTMLButtonElement;
  private readonly others: HTMLButtonElement[];
  private readonly limits = new Map<GaugeName, HTMLInputElement>();
  private readonly hint = input('hint', 'text');
  private readonly model = input('model', 'text');
  private readonly temperature = input('temperature', 'number');
  private paused = false;
  private reachable = true; // the kernel hears
  private turning = false; // asked to pause or resume, and not confirmed yet
  private stopping = false;

  constructor(private readonly steer: Steer) {
    this.pause = button('Pause', 'button', () => this.toggle());
    this.stop = button('Stop', 'button button-stop', () => this.end());
    const asked = [labelled('Model from the next round', this.model), labelled('temperature', this.temperature)];
    const settings = this.form('Set', asked, () => this.sendSettings());
    const hint = this.form('Send hint', [labelled('Hint for the next round', this.hint)], () => this.sendHint());
    for (const name of GAUGES) {
      this.limits.set(name, input(name, 'number'));
    }
    const fields = [...this.limits].map(([name, field]) => labelled(LABELS[name], field));
    const budget = this.form('Set limits', fields, () => this.sendLimits());
    this.others = [
      button('Step', 'button', () => this.steer('step')),
      button('Finish', 'button', () => this.steer('finish')),
      this.opener('Set…', settings, () => this.model.focus()),
      this.opener('Hint…', hint, () => this.hint.focus()),
      this.opener('Budget…', budget, () => this.limits.get('usd')?.focus())
    ];
    for (const each of [this.pause, ...this.others, this.stop]) {
      mark(each, { title: HELP[each.textContent ?? ''] ?? null });
    }
    this.buttons.append(this.pause, ...this.others, this.stop);
    this.forms.append(hint, budget, settings);
  }

  draw(head: Head, reachable: boolean): void {
    this.reachable = reachable;
    const over = head.termination !== null;
    this.turning = this.turning && head.paused === this.paused;
    this.paused = head.paused;
    if (!this.turning) {
      say(this.pause, head.paused ? 'Resume' : 'Pause');
    }
    mark(this.pause, { 'aria-pressed': String(head.paused) });
    this.enable(reachable && !over && !this.stopping);
    this.buttons.hidden = over;
    this.forms.hidden = over;
    for (const [name, field] of this.limits) {
      mark(field, { placeholder: head.gauges[name].limit === null ? 'no limit' : String(head.gauges[name].limit) });
    }
  }

  /** What did not come through may be tried again. */
  failed(): void {
    this.stopping = this.turning = false;
    this.enable(this.reachable);
    say(this.stop, 'Stop');
    say(this.pause, this.paused ? 'Resume' : 'Pause');
  }

  private enable(on: boolean): void {
    for (const each of [this.pause, ...this.others, this.stop]) {
      each.disabled = !on;
    }
  }

  private toggle(): void {
    this.turning = true;
    this.steer(this.paused ? 'resume' : 'pause');
    say(this.pause, this.paused ? 'resuming…' : 'pausing…');
  }

  private end(): void {
    this.stopping = true;
    this.enable(false);
    say(this.stop, 'stopping…');
    this.steer('stop');
  }

  private sendHint(): boolean {
    const words = this.hint.value.trim();
    if (words) {
      this.steer('hint', words);
      this.hint.value = '';
    }
    return words !== '';
  }

  private sendSettings(): boolean {
    const [model, temperature] = [this.model.value.trim(), this.temperature.value];
    const given = { ...(model && { model }), ...(temperature !== '' && { temperature: Number(temperature) }) };
    if (Object.keys(given).length) {
      this.steer('set', given);
      this.model.value = this.temperature.value = '';
    }
    return Object.keys(given).length > 0;
  }

  private sendLimits(): boolean {
    const given = [...this.limits].filter(([, field]) => field.value !== '');
    const limits = Object.fromEntries(given.map(([name, field]) => [name, Number(field.value)]));
    if (given.length) {
      this.steer('raise_budget', limits);
      given.forEach(([, field]) => (field.value = ''));
    }
    return given.length > 0;
  }

  private form(label: string, fields: HTMLElement[], send: () => boolean): HTMLFormElement {
    const submit = el('button', 'button', label);
    submit.type = 'submit';
    const form = el('form', 'form', ...fields, submit);
    form.hidden = true;
    form.addEventListener('submit', event => {
      event.preventDefault();
      if (send()) {
        form.hidden = true;
      }
    });
    form.addEventListener('keydown', event => {
      event.stopPropagation(); // JupyterLab has shortcuts for single letters
      form.hidden = form.hidden || event.key === 'Escape';
    });
    return form;
  }

  private opener(label: string, form: HTMLFormElement, focus: () => void): HTMLButtonElement {
    return button(label, 'button', () => {
      const open = form.hidden;
      for (const each of this.forms.children) {
        (each as HTMLElement).hidden = true;
      }
      form.hidden = !open;
      if (open) {
        focus();
      }
    });
  }
}

function input(name: string, type: 'text' | 'number'): HTMLInputElement {
  const made = el('input', 'input');
  mark(made, { type, name, autocomplete: 'off', min: type === 'number' ? 0 : null, step: type === 'number' ? 'any' : null });
  return made;
}

function labelled(words: string, field: HTMLInputElement): HTMLElement {
  return el('label', 'label', el('span', 'label-text', words), field);
}
