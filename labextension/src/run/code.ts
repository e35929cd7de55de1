import { el } from './dom';
import { Host } from './host';

/** Source with its line numbers, which are drawn by the style sheet and so are not copied. */
export function source(text: string): HTMLElement {
  return el('pre', 'source', ...text.trimEnd().split('\n').map(line => el('span', 'line', line, '\n')));
}

/** A candidate: Python, or JSON that is laid out; in colours once the host has them. */
export function candidate(text: string, host: Host): HTMLElement {
  const json = laidOut(text);
  const shown = json ?? text;
  const made = source(shown);
  if (host.highlight) {
    host.highlight(shown.trimEnd(), json === null ? 'python' : 'json').then(
      nodes => made.replaceChildren(...lines(nodes)),
      () => undefined // it stays as it is: text without colours
    );
  }
  return made;
}

function laidOut(text: string): string | null {
  try {
    return /^\s*[[{"]/.test(text) ? JSON.stringify(JSON.parse(text), null, 2) : null;
  } catch {
    return null;
  }
}

/** Cut coloured pieces at the ends of lines. Only classes and texts are taken over. */
function lines(nodes: Node[]): HTMLElement[] {
  const made = [el('span', 'line')];
  for (const node of nodes) {
    (node.textContent ?? '').split('\n').forEach((piece, at) => {
      if (at > 0) {
        made.at(-1)?.append('\n');
        made.push(el('span', 'line'));
      }
      if (piece) {
        const span = document.createElement('span');
        span.className = node instanceof HTMLElement ? node.className : '';
        span.textContent = piece;
        made.at(-1)?.append(span);
      }
    });
  }
  return made;
}
