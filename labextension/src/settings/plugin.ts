import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { JSONObject } from '@lumino/coreutils';
import { ISignal, Signal } from '@lumino/signaling';

import { ILoops } from '../kernels/loops';
import { Json, numberOrNull, oneOf } from '../run/json';
import { overridden } from './overridden';
import { ILoopSettings } from './token';

const ID = 'jupyter-loops:settings';
/** Name in the settings → name in `%config LoopMagics`. */
const DEFAULTS: Record<string, string> = {
  model: 'model',
  usd: 'usd',
  tokens: 'tokens',
  time: 'time',
  iterations: 'iterations',
  dailyUsd: 'daily_usd',
  sandbox: 'sandbox',
  history: 'history'
};

class LoopSettings implements ILoopSettings {
  private values: Json = {};
  private readonly signal = new Signal<this, void>(this);

  get changed(): ISignal<this, void> {
    return this.signal;
  }

  take(values: Json): void {
    this.values = values;
    this.signal.emit();
  }

  get side(): 'left' | 'right' {
    return oneOf(this.values['side'], ['left', 'right'] as const, 'left');
  }

  get notify(): 'out of sight' | 'always' | 'never' {
    return oneOf(this.values['notify'], ['out of sight', 'always', 'never'] as const, 'out of sight');
  }

  get browserNotify(): boolean {
    return this.values['browserNotify'] === true;
  }

  get dailyCap(): number | null {
    return numberOrNull(this.values['dailyUsd']);
  }

  get defaults(): JSONObject {
    const chosen = Object.entries(DEFAULTS).map(([name, trait]) => [trait, this.values[name]] as const);
    return Object.fromEntries(chosen.filter(([, value]) => value !== null && value !== undefined && value !== '')) as JSONObject;
  }
}

/** Settings, live: they reach new runs of kernels that run already. What `%config` set in a kernel wins, and is named. */
export const settings: JupyterFrontEndPlugin<ILoopSettings> = {
  id: ID,
  description: 'Settings of loops: defaults of new runs, notifications, sidebar.',
  autoStart: true,
  provides: ILoopSettings,
  requires: [ILoops, ISettingRegistry],
  optional: [ITranslator],
  activate: (_: JupyterFrontEnd, loops: ILoops, registry: ISettingRegistry, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter_loops');
    const made = new LoopSettings();
    let sent = '';
    const apply = async (values: Json, byHand: boolean): Promise<void> => {
      made.take(values);
      const defaults = made.defaults;
      if (JSON.stringify(defaults) === sent) {
        return;
      }
      sent = JSON.stringify(defaults);
      const won = overridden(defaults, await loops.configure(defaults));
      if (byHand && won.length) {
        Notification.warning(trans.__('In an open kernel these stay as they are: %1', won.join('; ')));
      }
    };
    void registry.load(ID).then(loaded => {
      void apply(loaded.composite, false);
      loaded.changed.connect(() => void apply(loaded.composite, true));
    });
    return made;
  }
};
