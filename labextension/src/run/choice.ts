/** What a person looks at: kept apart from the page, so that a view that is made anew looks the same. */

export const TABS = ['Candidate', 'Diff', 'Output', 'Prompt', 'Answer', 'Calls', 'Decisions'] as const;
export type Tab = (typeof TABS)[number];

export class Choice {
  /** A round, or null to follow the newest one. */
  round: number | null = null;
  tab: Tab = 'Candidate';
  /** The round that the chosen one is compared with. */
  against: number | 'best' | 'previous' = 'best';
  /** Both side by side, rather than one below the other. */
  beside = false;
}

const kept = new Map<string, Choice>();

export function choiceOf(run: string): Choice {
  let choice = kept.get(run);
  if (!choice) {
    choice = new Choice();
    kept.set(run, choice);
  }
  return choice;
}
