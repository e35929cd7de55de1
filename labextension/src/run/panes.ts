import { brief, bytes, count, SIGNS, usd } from './amounts';
import { Tab } from './choice';
import { el } from './dom';
import { Call, Figure, Prompt, Round, ToolCall, WrittenFile } from './types';

/** What a tab shows of one round. */
export const PANES: Record<Exclude<Tab, 'Candidate'>, (round: Round) => Node[]> = {
  'Diff to best': round => (round.diff ? diff(round.diff) : [note('There was no candidate to compare with yet.')]),
  Output: output,
  Prompt: round => (round.prompt ? prompt(round.prompt) : [note('Nothing was asked yet.')]),
  Calls: round => [...(round.calls.length ? [calls(round.calls)] : [note('No model was called.')]), ...tools(round.tools)],
  Decisions: round => [el('ul', 'words', ...round.decisions.map(words => el('li', 'word', words)))]
};

/** Source with its line numbers, which are drawn by the style sheet and so are not copied. */
export function source(text: string): HTMLElement {
  return el('pre', 'source', ...text.trimEnd().split('\n').map(line => el('span', 'line', line, '\n')));
}

export function note(words: string): HTMLElement {
  return el('p', 'hint', words);
}

function diff(from: { to: number; text: string }): Node[] {
  const lines = from.text.split('\n').map(line => {
    const kind = line.startsWith('+') ? ' line-added' : line.startsWith('-') ? ' line-removed' : '';
    return el('span', `line${kind}`, line, '\n');
  });
  return [note(`compared with round ${from.to}, the best before`), el('pre', 'source plain', ...lines)];
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

function prompt(from: Prompt): Node[] {
  const rows = from.parts.map(part => [part.name, count(part.tokens), part.dropped ? count(part.dropped) : '']);
  const how = from.counting === 'tokenizer' ? 'counted by the model’s tokenizer' : 'estimated, rather too many';
  return [note(`${count(from.tokens)} tokens, ${how}`), table(['part', 'tokens', 'left out'], rows), el('pre', 'source plain', from.text)];
}

function calls(all: Call[]): Node {
  const known = (value: number | null, write: (value: number) => string): string => (value === null ? '' : write(value));
  const heads = ['call', 'for', 'model', 'in', 'out', 'cost', 'first token', 'time', 'end'];
  const rows = all.map(call => [
    String(call.call),
    call.purpose,
    call.model,
    known(call.prompt_tokens, count) + (call.cached_tokens ? ` (${count(call.cached_tokens)} cached)` : ''),
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
