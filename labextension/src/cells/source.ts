/** SHA-256 of the text of a %%loop cell below its first line, as the kernel has it; "" where the page may not compute it. */
export async function digestOf(source: string): Promise<string> {
  if (!globalThis.crypto?.subtle) {
    return ''; // a page that came over plain HTTP
  }
  const lines = source.split('\n');
  const first = lines.findIndex(line => line.trimStart().startsWith('%%loop'));
  const body = `${lines.slice(first + 1).join('\n')}\n`;
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body)));
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('');
}
