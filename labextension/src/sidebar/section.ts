import { TranslationBundle } from '@jupyterlab/translation';

import { Row } from '../kernels/row';
import { el, say } from '../run/dom';
import { Acts, Item } from './item';

const STEP = 100; // rows that are drawn at once

/** A heading and its runs. Long ones are drawn as far as they were scrolled. */
export class Section {
  readonly node: HTMLElement;
  private readonly title = el('h4', 'section-title');
  private readonly list = el('ul', 'items');
  private readonly items = new Map<string, Item>();
  private rows: Row[] = [];
  private drawn = STEP;

  constructor(
    title: string,
    private readonly acts: Acts,
    private readonly trans: TranslationBundle
  ) {
    say(this.title, title);
    this.node = el('section', 'section', this.title, this.list);
  }

  draw(rows: Row[], now = Date.now()): void {
    this.rows = rows;
    this.node.hidden = rows.length === 0;
    const shown = rows.slice(0, this.drawn);
    const wanted = new Set(shown.map(row => row.run));
    for (const [run, item] of this.items) {
      if (!wanted.has(run)) {
        item.node.remove();
        this.items.delete(run);
      }
    }
    let place: ChildNode | null = this.list.firstChild;
    for (const row of shown) {
      let item = this.items.get(row.run);
      if (item) {
        item.draw(row, now);
      } else {
        item = new Item(row, this.acts, this.trans);
        this.items.set(row.run, item);
      }
      if (item.node === place) {
        place = place.nextSibling;
      } else {
        this.list.insertBefore(item.node, place);
      }
    }
  }

  tick(now: number): void {
    this.items.forEach(item => item.tick(now));
  }

  /** Draw the next rows; false where there are no more. */
  grow(): boolean {
    if (this.drawn >= this.rows.length) {
      return false;
    }
    this.drawn += STEP;
    this.draw(this.rows);
    return true;
  }

  shrink(): void {
    this.drawn = STEP;
  }
}
