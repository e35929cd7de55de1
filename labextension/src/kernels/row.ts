/** One run in a list, as `labcomm/run_rows.py` writes it. */

import { isObject, list, number, numberOrNull, text } from '../run/json';

export interface Row {
  run: string;
  name: string;
  /** Name of the notebook's file, and the id of the cell in it. */
  notebook: string;
  cell: string;
  /** "pid@host" of the process that runs it. */
  kernel: string;
  live: boolean;
  state: string;
  paused: boolean;
  /** What a person is asked, or null. */
  waiting: string | null;
  round: number;
  rounds: number | null;
  passed: number | null;
  total: number;
  score: number | null;
  spark: number[];
  usd: number;
  tokens: number;
  seconds: number;
  model: string;
  /** A stop reason, "kernel ended", or null while it goes on. */
  end: string | null;
  message: string;
  accepted: boolean;
  parent: string | null;
  relation: string;
  started: number; // ms since 1970
  /** SHA-256 of the cell's text below its first line. */
  source: string;
  /** Its nested runs: attempts side by side, rows of a map. */
  parts: { total: number; done: number; verified: number } | null;
}

export interface Today {
  settled: number;
  reserved: number;
}

export function readRow(value: unknown): Row | null {
  if (!isObject(value) || !text(value['run'])) {
    return null;
  }
  const parts = value['parts'];
  return {
    run: text(value['run']),
    name: text(value['name']),
    notebook: text(value['notebook']),
    cell: text(value['cell']),
    kernel: text(value['kernel']),
    live: value['live'] === true,
    state: text(value['state']),
    paused: value['paused'] === true,
    waiting: text(value['waiting']) || null,
    round: number(value['round']),
    rounds: numberOrNull(value['rounds']),
    passed: numberOrNull(value['passed']),
    total: number(value['total']),
    score: numberOrNull(value['score']),
    spark: list(value['spark'], 60).map(number),
    usd: number(value['usd']),
    tokens: number(value['tokens']),
    seconds: number(value['seconds']),
    model: text(value['model']),
    end: text(value['end']) || null,
    message: text(value['message']),
    accepted: value['accepted'] === true,
    parent: text(value['parent']) || null,
    relation: text(value['relation']),
    started: Date.parse(text(value['started'])) || 0,
    source: text(value['source']),
    parts: isObject(parts)
      ? { total: number(parts['total']), done: number(parts['done']), verified: number(parts['verified']) }
      : null
  };
}

export function readRows(value: unknown): Row[] {
  return list(value, 5000)
    .map(readRow)
    .filter(row => row !== null);
}

export function readToday(value: unknown): Today | null {
  return isObject(value) ? { settled: number(value['settled']), reserved: number(value['reserved']) } : null;
}
