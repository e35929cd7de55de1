import { TranslationBundle } from '@jupyterlab/translation';

import { button, el, mark } from '../run/dom';

export interface SqlActs {
  run(sql: string): void;
  /** Completions at the end of a text. */
  complete(sql: string): Promise<string[]>;
}

/** A box for SQL: Ctrl+Enter runs it, Ctrl+Space completes, as in the editors around it. */
export class SqlBox {
  readonly node: HTMLElement;
  private readonly area = el('textarea', 'sql');
  private readonly choices = el('ul', 'sql-choices');

  constructor(
    sql: string,
    private readonly acts: SqlActs,
    trans: TranslationBundle
  ) {
    this.area.value = sql;
    mark(this.area, { rows: 4, spellcheck: 'false', 'aria-label': trans.__('SQL over the history') });
    this.choices.hidden = true;
    this.area.addEventListener('keydown', event => this.onKey(event));
    this.area.addEventListener('blur', () => window.setTimeout(() => (this.choices.hidden = true), 150));
    const run = button(trans.__('Run'), 'button button-go', () => acts.run(this.text));
    mark(run, { title: 'Ctrl+Enter' });
    const hint = el('span', 'dim', trans.__('Ctrl+Enter runs, Ctrl+Space completes; it only reads'));
    this.node = el('section', 'sql-box', el('div', 'filters', el('b', '', 'SQL'), run, hint), this.area, this.choices);
  }

  get text(): string {
    return this.area.value;
  }

  set text(sql: string) {
    this.area.value = sql;
  }

  private onKey(event: KeyboardEvent): void {
    event.stopPropagation(); // JupyterLab has shortcuts for single letters
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.acts.run(this.text);
    } else if (event.key === ' ' && event.ctrlKey) {
      event.preventDefault();
      void this.complete();
    } else if (event.key === 'Escape') {
      this.choices.hidden = true;
    } else if (event.key === 'ArrowDown' && !this.choices.hidden) {
      event.preventDefault();
      this.choices.querySelector('button')?.focus();
    }
  }

  private async complete(): Promise<void> {
    const before = this.text.slice(0, this.area.selectionStart);
    const words = await this.acts.complete(before).catch(() => []);
    this.choices.replaceChildren(...words.slice(0, 12).map(word => el('li', '', button(word, 'link', () => this.take(word)))));
    this.choices.hidden = words.length === 0;
    if (words.length === 1 && words[0]) {
      this.take(words[0]);
    }
  }

  /** Replace the word before the cursor. */
  private take(word: string): void {
    const at = this.area.selectionStart;
    const start = at - (/[\w.$-]*$/.exec(this.text.slice(0, at))?.[0].length ?? 0);
    this.area.setRangeText(word, start, at, 'end');
    this.choices.hidden = true;
    this.area.focus();
  }
}
