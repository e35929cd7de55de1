/** The picture of a run, as `view/snapshot.py` folds it. Version 1. */

export type Mark = 'live' | 'pass' | 'fail' | 'done' | 'cut';
export type CheckState = 'open' | 'pass' | 'fail';

export interface Gauge {
  spent: number;
  reserved: number;
  limit: number | null;
  /** Where spending ends if the rounds left cost as much as the ones before. */
  landing: number | null;
  text: string;
}

export interface Metric {
  value: number;
  target: number | null;
}

export interface Check {
  name: string;
  hidden: boolean;
  state: CheckState;
  message: string;
  metric: Metric | null;
}

export interface Call {
  call: number;
  model: string;
  purpose: string;
  prompt_tokens: number | null;
  cached_tokens: number | null;
  completion_tokens: number | null;
  usd: number | null;
  seconds: number | null;
  first_token_seconds: number | null;
  finish: string;
  message: string;
}

/** One call of a tool, in the kernel, that the model asked for. */
export interface ToolCall {
  tool: string;
  arguments: string;
  result: string;
  error: string;
  /** Null while it goes on. */
  seconds: number | null;
}

/** What a candidate drew: the base64 text of a PNG that the kernel has read and written anew, or lines of numbers. */
export interface Figure {
  title: string;
  width: number;
  height: number;
  png: string;
  lines: string[];
}

export interface WrittenFile {
  name: string;
  bytes: number;
  kept: string;
}

export interface Output {
  exit: string;
  fault: string;
  frames: string[];
  stdout: string;
  stderr: string;
  clipped: boolean;
  seconds: number;
  cpu_seconds: number;
  peak_bytes: number;
  isolation: string;
  files: WrittenFile[];
  figures: Figure[];
}

export interface Verdict {
  name: string;
  hidden: boolean;
  passed: boolean;
  metric: Metric | null;
  message: string;
}

export interface Prompt {
  tokens: number;
  parts: { name: string; tokens: number; dropped: number }[];
  counting: string;
  text: string;
}

export interface Round {
  n: number;
  state: string;
  mark: Mark;
  best: boolean;
  phases: [string, number][];
  why: string;
  passed: number;
  total: number;
  usd: number;
  tokens: number;
  seconds: number;
  /** Of `maximize` or `minimize`; null where there is none. */
  score: number | null;
  /** Only numbers were kept; the texts are in the history. */
  trimmed: boolean;
  candidate: string | null;
  answer: string;
  output: Output | null;
  verdicts: Verdict[];
  prompt: Prompt | null;
  calls: Call[];
  tools: ToolCall[];
  decisions: string[];
}

export interface Point {
  n: number;
  value: number;
  best: number;
  mark: Mark;
  score: number | null;
  bestScore: number | null;
}

export type GaugeName = 'usd' | 'tokens' | 'seconds' | 'iterations';

/** A value that waits for a person. */
export interface Approval {
  number: number;
  check: string;
  value: string;
  diff: string;
}

export interface Breaker {
  model: string;
  fault: string;
  state: string;
  /** Seconds that it is left alone. */
  pause: number;
}

export interface Forecast {
  text: string;
  more: string;
  /** P(verified) after each of the rounds to come. */
  curve: number[];
}

export interface Head {
  run: string;
  name: string;
  goal: string;
  model: string;
  isolation: string;
  /** That the model may call, one line each. */
  tools: string[];
  state: string;
  headline: string;
  /** What goes on right now, or what is waited for. */
  doing: string;
  /** Time of the picture, ISO 8601. */
  at: string;
  paused: boolean;
  /** Time counts right now. */
  ticking: boolean;
  round: number;
  gauges: Record<GaugeName, Gauge>;
  progress: Point[];
  checks: Check[];
  best: number | null;
  /** Of the best round, where the run has a score and its checks passed. */
  score: number | null;
  termination: { reason: string; message: string } | null;
  approval: Approval | null;
  notes: string[];
  forecast: Forecast | null;
  /** Circuit breakers that are not closed. */
  breakers: Breaker[];
  /** Rounds that are only in the history. */
  older: number;
}

export interface Snapshot extends Head {
  rounds: Round[];
  stream: string;
}
