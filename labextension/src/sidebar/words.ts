import { TranslationBundle } from '@jupyterlab/translation';

import { Row } from '../kernels/row';
import { clock, usd } from '../run/amounts';

export interface Words {
  sign: string;
  /** pass, fail, over, ask, wait, live: what the sign's colour says. */
  kind: string;
  doing: string;
  figure: string;
  facts: string;
}

const FAILED = new Set(['error', 'refused', 'breaker_open', 'kernel ended']);

/** The two lines of a run. */
export function wordsOf(row: Row, trans: TranslationBundle, now = Date.now()): Words {
  return { ...signOf(row), doing: doing(row, trans), figure: figure(row, trans), facts: facts(row, now) };
}

export function signOf(row: Row): { sign: string; kind: string } {
  if (row.waiting !== null) {
    return { sign: '?', kind: 'ask' };
  }
  if (row.live) {
    return row.paused ? { sign: '‖', kind: 'wait' } : { sign: '◌', kind: 'live' };
  }
  if (row.end === 'verified') {
    return { sign: '✓', kind: 'pass' };
  }
  return FAILED.has(row.end ?? '') ? { sign: '✕', kind: 'fail' } : { sign: '■', kind: 'over' };
}

/** "round 3 of 12", "×4 attempts", "asks: approve(text)". */
export function doing(row: Row, trans: TranslationBundle): string {
  if (row.waiting !== null) {
    return trans.__('asks: %1', row.waiting);
  }
  if (row.parts) {
    return trans.__('%1 of %2 parts', row.parts.done, row.parts.total);
  }
  if (!row.live) {
    return row.end === 'verified' ? trans.__('verified') : (row.end ?? '').replaceAll('_', ' ');
  }
  const where = row.rounds === null ? trans.__('round %1', row.round) : trans.__('round %1 of %2', row.round, row.rounds);
  return row.paused ? trans.__('paused · %1', where) : row.round ? where : trans.__('preparing');
}

function figure(row: Row, trans: TranslationBundle): string {
  if (row.score !== null) {
    return row.score.toLocaleString('en-US', { maximumSignificantDigits: 4 });
  }
  if (row.parts) {
    return `${row.parts.verified} ✓`;
  }
  if (row.end === 'verified') {
    return trans._n('1 round', '%1 rounds', row.round, row.round);
  }
  return row.passed === null || !row.total ? '' : `${row.passed} / ${row.total}`;
}

function facts(row: Row, now: number): string {
  const money = row.usd ? usd(row.usd) : '$0';
  const at = row.live ? clock((now - row.started) / 1000) : when(row.started, now);
  return [row.notebook.replace(/\.ipynb$/, ''), money, at].filter(Boolean).join(' · ');
}

/** 10:12 today, otherwise the day. */
export function when(started: number, now: number): string {
  const date = new Date(started);
  return new Date(now).toDateString() === date.toDateString()
    ? date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
    : date.toLocaleDateString([], { month: 'short', day: 'numeric' });
}
