import { TranslationBundle } from '@jupyterlab/translation';

import { Row } from '../kernels/row';
import { button, el, mark, say } from '../run/dom';
import { Sparkline } from './sparkline';
import { wordsOf } from './words';

/** What a person may do with a row. */
export interface Acts {
  jump(row: Row): void;
  look(row: Row): void;
  stop(row: Row): void;
  menu(row: Row, x: number, y: number): void;
}

/** One run: two lines, drawn once and patched in place. Names of runs and notebooks are text, never markup. */
export class Item {
  readonly node = el('li', 'item');
  private readonly sign = el('span', 'sign');
  private readonly name = el('b', 'item-name');
  private readonly doing = el('span', 'item-doing');
  private readonly figure = el('span', 'item-figure');
  private readonly facts = el('span', 'item-facts');
  private readonly bar = el('progress', 'item-bar');
  private readonly spark = new Sparkline();
  private readonly go: HTMLButtonElement;
  private readonly look: HTMLButtonElement;
  private readonly stop: HTMLButtonElement;
  private row: Row;

  constructor(
    row: Row,
    acts: Acts,
    private readonly trans: TranslationBundle
  ) {
    this.row = row;
    this.go = button('', 'item-go', () => acts.jump(this.row));
    this.go.append(this.name, ' ', this.doing);
    this.look = button(trans.__('Look'), 'button button-go', () => acts.look(this.row));
    this.stop = button('■', 'icon', () => acts.stop(this.row));
    const more = button('⋯', 'icon', () => {
      const { left, bottom } = more.getBoundingClientRect();
      acts.menu(this.row, left, bottom);
    });
    mark(more, { title: trans.__('Actions'), 'aria-haspopup': 'menu' });
    const acting = el('span', 'item-acting', this.stop, more);
    const sub = el('div', 'item-sub', this.spark.node, this.bar, this.facts);
    this.node.append(this.sign, this.go, this.figure, this.look, sub, acting);
    this.node.addEventListener('contextmenu', event => {
      event.preventDefault();
      event.stopPropagation();
      acts.menu(this.row, event.clientX, event.clientY);
    });
    this.draw(row);
  }

  draw(row: Row, now = Date.now()): void {
    this.row = row;
    const words = wordsOf(row, this.trans, now);
    say(this.sign, words.sign);
    mark(this.sign, { 'data-kind': words.kind });
    say(this.name, row.name || row.run);
    say(this.doing, words.doing);
    say(this.figure, words.figure);
    say(this.facts, words.facts);
    mark(this.go, { title: [`${row.name} · ${row.model}`, row.message].filter(Boolean).join('\n') });
    mark(this.node, { 'data-run': row.run });
    this.look.hidden = row.waiting === null;
    this.figure.hidden = row.waiting !== null;
    this.stop.hidden = !row.live;
    mark(this.stop, { title: this.trans.__('Stop'), 'aria-label': this.trans.__('Stop %1', row.name) });
    this.bar.hidden = row.parts === null;
    this.bar.max = row.parts?.total ?? 1;
    this.bar.value = row.parts?.done ?? 0;
    this.spark.draw(row.parts ? [] : row.spark, row.score === null);
  }

  /** The clock of a run that goes on. */
  tick(now: number): void {
    say(this.facts, wordsOf(this.row, this.trans, now).facts);
  }
}
