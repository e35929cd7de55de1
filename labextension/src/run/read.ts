import { isObject, Json, list, number, numberOrNull, object, oneOf, text, texts } from './json';
import {
  Approval,
  Breaker,
  Call,
  Check,
  Figure,
  Forecast,
  Gauge,
  GaugeName,
  Head,
  Mark,
  Metric,
  Output,
  Point,
  Prompt,
  Round,
  Snapshot,
  ToolCall
} from './types';

export const VERSION = 1;
const PNG = /^iVBORw0KGgo[A-Za-z0-9+/]+={0,2}$/;
const LONGEST_PNG = 1_000_000;
const MOST_FIGURES = 12;
const MARKS: readonly Mark[] = ['live', 'pass', 'fail', 'done', 'cut'];
export const GAUGES: readonly GaugeName[] = ['usd', 'tokens', 'seconds', 'iterations'];

/** A saved picture, or null where its version is not known here. */
export function readSnapshot(value: unknown): Snapshot | null {
  const from = object(value);
  if (from['version'] !== VERSION) {
    return null;
  }
  return { ...readHead(from), rounds: readRounds(from['rounds']), stream: text(from['stream']) };
}

export function readHead(value: unknown): Head {
  const from = object(value);
  const gauges = object(from['gauges']);
  const end = from['termination'];
  return {
    run: text(from['run']),
    name: text(from['name']),
    goal: text(from['goal']),
    model: text(from['model']),
    isolation: text(from['isolation']),
    tools: texts(from['tools']),
    state: text(from['state']),
    headline: text(from['headline']),
    doing: text(from['doing']),
    at: text(from['at']),
    paused: from['paused'] === true,
    ticking: from['ticking'] === true,
    round: number(from['round']),
    gauges: Object.fromEntries(GAUGES.map(name => [name, readGauge(gauges[name])])) as Record<GaugeName, Gauge>,
    progress: list(from['progress']).map(readPoint),
    checks: list(from['checks']).map(readCheck),
    best: numberOrNull(from['best']),
    score: numberOrNull(from['score']),
    termination: isObject(end) ? { reason: text(end['reason']), message: text(end['message']) } : null,
    approval: isObject(from['approval']) ? readApproval(from['approval']) : null,
    notes: texts(from['notes']),
    forecast: isObject(from['forecast']) ? readForecast(from['forecast']) : null,
    breakers: list(from['breakers']).map(readBreaker),
    older: number(from['older'])
  };
}

export function readRounds(value: unknown): Round[] {
  return list(value).map(readRound);
}

function readApproval(from: Json): Approval {
  return {
    number: number(from['number']),
    check: text(from['check']),
    value: text(from['value']),
    diff: text(from['diff'])
  };
}

function readGauge(value: unknown): Gauge {
  const from = object(value);
  return {
    spent: number(from['spent']),
    reserved: number(from['reserved']),
    limit: numberOrNull(from['limit']),
    landing: numberOrNull(from['landing']),
    text: text(from['text'])
  };
}

function readForecast(from: Json): Forecast {
  return { text: text(from['text']), more: text(from['more']), curve: list(from['curve']).map(share) };
}

function readBreaker(value: unknown): Breaker {
  const from = object(value);
  return {
    model: text(from['model']),
    fault: text(from['fault']),
    state: text(from['state']),
    pause: number(from['pause'])
  };
}

function readPoint(value: unknown): Point {
  const [n, reached, best, mark, score, bestScore] = list(value);
  return {
    n: number(n),
    value: share(reached),
    best: share(best),
    mark: oneOf(mark, MARKS, 'done'),
    score: numberOrNull(score),
    bestScore: numberOrNull(bestScore)
  };
}

function share(value: unknown): number {
  return Math.min(Math.max(number(value), 0), 1);
}

function readCheck(value: unknown): Check {
  const from = object(value);
  return {
    name: text(from['name']),
    hidden: from['hidden'] === true,
    state: oneOf(from['state'], ['open', 'pass', 'fail'], 'open'),
    message: text(from['message']),
    metric: readMetric(from['metric'])
  };
}

function readMetric(value: unknown): Metric | null {
  return isObject(value) ? { value: number(value['value']), target: numberOrNull(value['target']) } : null;
}

function readRound(value: unknown): Round {
  const from = object(value);
  const candidate = from['candidate'];
  return {
    n: number(from['n']),
    state: text(from['state']),
    mark: oneOf(from['mark'], MARKS, 'live'),
    best: from['best'] === true,
    phases: list(from['phases']).map(readPhase),
    why: text(from['why']),
    passed: number(from['passed']),
    total: number(from['total']),
    usd: number(from['usd']),
    tokens: number(from['tokens']),
    seconds: number(from['seconds']),
    score: numberOrNull(from['score']),
    trimmed: from['trimmed'] === true,
    candidate: isObject(candidate) ? text(candidate['text']) : null,
    answer: text(from['answer']),
    output: isObject(from['output']) ? readOutput(from['output']) : null,
    verdicts: list(from['verdicts']).map(object).map(verdict => ({
      name: text(verdict['name']),
      hidden: verdict['hidden'] === true,
      metric: readMetric(verdict['metric']),
      passed: verdict['passed'] === true,
      message: text(verdict['message'])
    })),
    prompt: isObject(from['prompt']) ? readPrompt(from['prompt']) : null,
    calls: list(from['calls']).map(object).map(readCall),
    tools: list(from['tools']).map(object).map(readToolCall),
    decisions: texts(from['decisions'])
  };
}

function readPhase(value: unknown): [string, number] {
  const [state, seconds] = list(value);
  return [text(state), Math.max(number(seconds), 0)];
}

function readOutput(from: Json): Output {
  return {
    exit: text(from['exit']),
    fault: text(from['fault']),
    frames: texts(from['frames']),
    stdout: text(from['stdout']),
    stderr: text(from['stderr']),
    clipped: from['clipped'] === true,
    seconds: number(from['seconds']),
    cpu_seconds: number(from['cpu_seconds']),
    peak_bytes: number(from['peak_bytes']),
    isolation: text(from['isolation']),
    files: list(from['files'])
      .map(object)
      .map(file => ({ name: text(file['name']), bytes: number(file['bytes']), kept: text(file['kept']) })),
    figures: list(from['figures'], MOST_FIGURES).map(object).map(readFigure)
  };
}

function readFigure(from: Json): Figure {
  const png = from['png'];
  return {
    title: text(from['title']),
    width: number(from['width']),
    height: number(from['height']),
    png: typeof png === 'string' && png.length < LONGEST_PNG && PNG.test(png) ? png : '',
    lines: texts(from['lines'])
  };
}

function readPrompt(from: Json): Prompt {
  const parts = list(from['parts']).map(object);
  return {
    tokens: number(from['tokens']),
    parts: parts.map(part => ({
      name: text(part['name']),
      tokens: number(part['tokens']),
      dropped: number(part['dropped'])
    })),
    counting: text(from['counting']),
    text: text(from['text'])
  };
}

function readCall(from: Json): Call {
  return {
    call: number(from['call']),
    model: text(from['model']),
    purpose: text(from['purpose']),
    prompt_tokens: numberOrNull(from['prompt_tokens']),
    cached_tokens: numberOrNull(from['cached_tokens']),
    completion_tokens: numberOrNull(from['completion_tokens']),
    usd: numberOrNull(from['usd']),
    seconds: numberOrNull(from['seconds']),
    first_token_seconds: numberOrNull(from['first_token_seconds']),
    finish: text(from['finish']),
    message: text(from['message'])
  };
}

function readToolCall(from: Json): ToolCall {
  return {
    tool: text(from['tool']),
    arguments: text(from['arguments']),
    result: text(from['result']),
    error: text(from['error']),
    seconds: numberOrNull(from['seconds'])
  };
}
