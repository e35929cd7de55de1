/** Reading untrusted JSON: every value has the type that was asked for, whatever the file says. */

const LONGEST = 20_000;

export type Json = { readonly [key: string]: unknown };

export function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function list(value: unknown, limit = 500): unknown[] {
  return Array.isArray(value) ? value.slice(-limit) : [];
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, LONGEST) : '';
}

export function texts(value: unknown): string[] {
  return list(value).map(text);
}

export function number(value: unknown): number {
  return numberOrNull(value) ?? 0;
}

export function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function oneOf<T extends string>(value: unknown, known: readonly T[], otherwise: T): T {
  return known.find(word => word === value) ?? otherwise;
}
