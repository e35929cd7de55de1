import { brief, bytes, count, SIGNS, usd } from './amounts';
import { Tab } from './choice';
import { el } from './dom';
import { Call, Figure, Prompt, Round, ToolCall, WrittenFile } from './types';

/** What a tab shows of one round. */
export const PANES: Record<Exclude<Tab, 'Candidate' | 'Diff'>, (round: Round) => Node[]> = {
  Output: output,
  Prompt: round => (round.prompt ? prompt(round.prompt) : [note('Nothing was asked yet.')]),
  Answer: answer,
  Calls: round => [...(round.calls.length ? [calls(round.calls)] : [note('No model was called.')]), ...tools(round.tools)],
  Decisions: round => [el('ul', 'words', ...round.decisions.map(words => el('li', 'word', words)))]
};

export function note(words: string): HTMLElement {
  return el('p', 'hint', words);
}

/** What the model said, beside what was read of it. */
function answer(round: Round): Node[] {
  if (!round.answer) {
    return [note(round.mark === 'live' ? 'Waiting for the model.' : 'The answer is in the history: %loop_sql FROM calls')];
  }
  const half = (title: string, text: string): HTMLElement =>
    el('div', 'half', el('div', 'title', title), el('pre', 'source plain', text));
  return [el('div', 'halves', half('answered', round.answer), half('read', round.candidate ?? 'no candidate'))];
}

function output(round: Round): Node[] {
  const failed = round.verdicts.filter(verdict => !verdict.passed);
  const shown: Node[] = failed.map(verdict =>
    el('p', 'verdict', el('span', 'failed', SIGNS.fail), ' ', el('code', 'code', verdict.name), ` ${verdict.message}`)
  );
  const ran = round.output;
  if (!ran) {
    return shown.length ? shown : [note(round.mark === 'live' ? 'It has not run yet.' : 'It did not run.')];
  }
  const cut = ran.clipped ? ' · output clipped' : '';
  const facts = [ran.exit, brief(ran.seconds), `CPU ${brief(ran.cpu_seconds)}`, bytes(ran.peak_bytes), ran.isolation];
  shown.push(note(facts.filter(Boolean).join(' · ') + cut));
  const parts: [string, string][] = [
    ['fault', [ran.fault, ...ran.frames].filter(Boolean).join('\n')],
    ['stdout', ran.stdout],
    ['stderr', ran.stderr]
  ];
  for (const [name, text] of parts.filter(([, text]) => text)) {
    shown.push(el('div', 'title', name), el('pre', 'source plain', text));
  }
  return [...shown, ...ran.figures.flatMap(figure), ...files(ran.files)];
}

/** Pixels in an address that is made here, so that nothing a model wrote is ever an address. */
function figure(from: Figure): Node[] {
  const title = el('div', 'title', from.title ? `figure: ${from.title}` : 'figure');
  if (!from.png) {
    return [title, el('ul', 'words', ...from.lines.map(words => el('li', 'word', words)))];
  }
  const image = el('img', 'image');
  image.alt = from.title || 'figure';
  image.width = from.width;
  image.height = from.height;
  image.src = `data:image/png;base64,${from.png}`;
  return [title, image];
}

function files(all: WrittenFile[]): Node[] {
  const rows = all.map(file => [file.name, bytes(file.bytes), file.kept]);
  return all.length ? [el('div', 'title', 'files'), table(['name', 'size', 'kept as'], rows)] : [];
}

/** Each part with its tokens and what was cut of it, then the whole text. */
function prompt(from: Prompt): Node[] {
  const most = Math.max(...from.parts.map(part => part.tokens), 1);
  const rows = from.parts.map(part => {
    const bar = el('span', 'share');
    bar.style.width = `${(part.tokens / most) * 100}%`;
    const cut = part.dropped ? `${count(part.dropped)} cut` : '';
    return el('tr', 'tr', el('td', 'td', part.name), el('td', 'td share-cell', bar), el('td', 'td', count(part.tokens)), el('td', 'td', cut));
  });
  const parts = rows.length ? [el('table', 'table parts', el('tbody', '', ...rows))] : [];
  const how = from.counting === 'tokenizer' ? 'counted by the model’s tokenizer' : 'estimated, rather too many';
  return [note(`${count(from.tokens)} tokens, ${how}`), el('div', 'scroll', ...parts), el('pre', 'source plain', from.text)];
}

function calls(all: Call[]): Node {
  const known = (value: number | null, write: (value: number) => string): string => (value === null ? '' : write(value));
  const heads = ['call', 'for', 'model', 'in', 'cached', 'out', 'cost', 'first token', 'time', 'end'];
  const rows = all.map(call => [
    String(call.call),
    call.purpose,
    call.model,
    known(call.prompt_tokens, count),
    call.cached_tokens && call.prompt_tokens ? `${Math.round((call.cached_tokens / call.prompt_tokens) * 100)} %` : '',
    known(call.completion_tokens, count),
    known(call.usd, usd),
    known(call.first_token_seconds, brief),
    known(call.seconds, brief),
    [call.finish, call.message].filter(Boolean).join(': ')
  ]);
  return table(heads, rows);
}

function tools(all: ToolCall[]): Node[] {
  const rows = all.map(call => [
    call.tool,
    call.arguments,
    call.result,
    call.seconds === null ? 'running' : brief(call.seconds),
    call.error
  ]);
  return rows.length ? [el('div', 'title', 'tools'), table(['tool', 'arguments', 'result', 'time', 'end'], rows)] : [];
}

function table(heads: string[], rows: string[][]): HTMLElement {
  const head = el('tr', 'tr', ...heads.map(words => el('th', 'th', words)));
  const body = rows.map(row => el('tr', 'tr', ...row.map(words => el('td', 'td', words))));
  return el('div', 'scroll', el('table', 'table', el('thead', '', head), el('tbody', '', ...body)));
}
