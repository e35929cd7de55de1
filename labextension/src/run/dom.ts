/** Building and patching the page. Text only ever enters as text nodes and attributes, never as markup. */

const SVG = 'http://www.w3.org/2000/svg';

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  name: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (name) {
    made.className = name
      .split(' ')
      .map(part => `jloops-${part}`)
      .join(' ');
  }
  made.append(...children);
  return made;
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | number>,
  ...children: Node[]
): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, String(value));
  }
  made.append(...children);
  return made;
}

/** Change the text only where it differs, so that a selection in it survives. */
export function say(on: Element, words: string): void {
  if (on.textContent !== words) {
    on.textContent = words;
  }
}

export function mark(on: Element, attributes: Record<string, string | number | boolean | null>): void {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === false) {
      on.removeAttribute(key);
    } else if (on.getAttribute(key) !== String(value)) {
      on.setAttribute(key, String(value));
    }
  }
}

export function button(label: string, name: string, act: () => void): HTMLButtonElement {
  const made = el('button', name, label);
  made.type = 'button';
  made.addEventListener('click', act);
  return made;
}
