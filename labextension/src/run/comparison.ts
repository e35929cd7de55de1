import { Choice } from './choice';
import { button, el, mark } from './dom';
import { diff, DiffLine, sides } from './diff';
import { note } from './panes';
import { Round, Snapshot } from './types';

/** The chosen round's candidate, and another's: one below the other, or side by side. */
export function comparison(run: Snapshot, round: Round, choice: Choice, changed: () => void): Node[] {
  if (round.candidate === null) {
    return [note('There is no candidate to compare.')];
  }
  const others = run.rounds.filter(other => other.n !== round.n && other.candidate !== null);
  if (!others.length) {
    return [note('There is no other candidate to compare with yet.')];
  }
  const other = chosen(run, round, others, choice) ?? others[others.length - 1];
  const lines = diff(other?.candidate ?? '', round.candidate);
  const same = lines.every(line => line.sign === ' ');
  const shown = same ? note('The candidates are the same.') : choice.beside ? beside(lines) : below(lines);
  return [bar(others, other?.n ?? 0, choice, changed), shown];
}

function chosen(run: Snapshot, round: Round, others: Round[], { against }: Choice): Round | undefined {
  if (against === 'previous') {
    return others.filter(other => other.n < round.n).at(-1);
  }
  return others.find(other => other.n === (against === 'best' ? best(run, round, others) : against));
}

/** The best of the run; of the best round itself, the one that was best before it. */
function best(run: Snapshot, round: Round, others: Round[]): number | null {
  return run.best === round.n ? (others.filter(other => other.best && other.n < round.n).at(-1)?.n ?? null) : run.best;
}

function bar(others: Round[], shown: number, choice: Choice, changed: () => void): HTMLElement {
  const select = el('select', 'input select');
  mark(select, { 'aria-label': 'compare with' });
  const options: [string, string][] = [['best', 'the best'], ['previous', 'the one before']];
  options.push(...others.map(other => [String(other.n), `round ${other.n}`] as [string, string]));
  for (const [value, words] of options) {
    const option = el('option', '', words);
    option.value = value;
    option.selected = value === String(choice.against);
    select.append(option);
  }
  select.addEventListener('change', () => {
    const { value } = select;
    choice.against = value === 'best' || value === 'previous' ? value : Number(value);
    changed();
  });
  const side = button('Side by side', 'button', () => {
    choice.beside = !choice.beside;
    changed();
  });
  mark(side, { 'aria-pressed': String(choice.beside) });
  return el('div', 'actions', el('span', 'key', 'compared with'), select, el('span', 'key', `round ${shown}`), side);
}

const KINDS = { '+': ' line-added', '-': ' line-removed', ' ': '' } as const;

function below(lines: DiffLine[]): HTMLElement {
  const made = lines.map(({ sign, text }) => el('span', `line${KINDS[sign]}`, `${sign} ${text}`, '\n'));
  return el('pre', 'source plain', ...made);
}

function beside(lines: DiffLine[]): HTMLElement {
  const cell = (line: DiffLine | null): HTMLElement => el('td', `side${line ? KINDS[line.sign] : ''}`, line?.text ?? '');
  const rows = sides(lines).map(([left, right]) => el('tr', 'tr', cell(left), cell(right)));
  return el('table', 'sides', el('tbody', '', ...rows));
}
