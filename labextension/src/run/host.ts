/** What the page around a run can do for it; each is absent where it cannot. */
export interface Host {
  /** Put code into a new cell below the run's, and execute it if asked. */
  insert?(code: string, execute: boolean): void;
  /** Python or JSON with its colours, as elements that hold text only. */
  highlight?(code: string, language: 'python' | 'json'): Promise<Node[]>;
}

/** How a run stands to its kernel, as this page knows. */
export type Standing =
  | 'live' // heard from
  | 'saved' // nobody was asked: a file
  | 'asking' // no answer yet
  | 'silent' // the kernel is there, and says nothing
  | 'away' // no connection to the kernel
  | 'elsewhere' // the run goes on in another kernel
  | 'gone'; // the kernel of the run is gone
