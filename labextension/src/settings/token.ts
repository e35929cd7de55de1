import { JSONObject, Token } from '@lumino/coreutils';
import { ISignal } from '@lumino/signaling';

export interface ILoopSettings {
  readonly changed: ISignal<ILoopSettings, void>;
  readonly side: 'left' | 'right';
  readonly notify: 'out of sight' | 'always' | 'never';
  readonly browserNotify: boolean;
  /** US dollars of all notebooks in a day; null: no cap. */
  readonly dailyCap: number | null;
  /** Defaults of new runs, by the names of `%config LoopMagics`. */
  readonly defaults: JSONObject;
}

export const ILoopSettings = new Token<ILoopSettings>('jupyter-loops:ILoopSettings', 'Settings of jupyter-loops.');
