/** How money, tokens and time are written; the same as in `view/amounts.py`. */

export function usd(value: number): string {
  const scale = Math.abs(value);
  const digits = scale === 0 || scale >= 1 ? 2 : scale >= 0.01 ? 3 : 5;
  if (value !== 0 && Number(value.toFixed(digits)) === 0) {
    return `$${value.toExponential(0)}`;
  }
  return `$${value.toFixed(digits).replace(/(\.\d{3}\d*?)0+$/, '$1')}`;
}

export function count(value: number): string {
  for (const [size, letter] of [
    [1e6, 'M'],
    [1e3, 'k']
  ] as const) {
    if (value >= size) {
      return (value / size).toFixed(1).replace(/\.0$/, '') + letter;
    }
  }
  return value.toFixed(0);
}

export function clock(seconds: number): string {
  const whole = Math.max(Math.floor(seconds), 0);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const two = (part: number): string => String(part).padStart(2, '0');
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

export function brief(seconds: number): string {
  if (seconds < 1) {
    return `${(seconds * 1000).toFixed(0)} ms`;
  }
  return seconds < 60 ? `${seconds.toFixed(1)} s` : clock(seconds);
}

export function bytes(value: number): string {
  if (value >= 1e9) {
    return `${(value / 1e9).toFixed(1)} GB`;
  }
  const [scaled, unit] = value >= 1e6 ? [value / 1e6, 'MB'] : value >= 1e3 ? [value / 1e3, 'kB'] : [value, 'B'];
  return `${scaled.toFixed(0)} ${unit}`;
}

/** 131,000 and 0.0421: as many digits as help. */
export function plain(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 6 });
}

export const SIGNS = { pass: '✓', fail: '✕', done: '•', cut: '–', live: '◌', open: '·' } as const;
