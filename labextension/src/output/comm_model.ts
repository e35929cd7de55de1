import { Kernel } from '@jupyterlab/services';
import { JSONObject, JSONValue } from '@lumino/coreutils';

import { Model } from '../feed';
import { Json, object } from '../run/json';

type Act = (message: unknown) => void;

/** What anywidget gives a view, over a comm of our own. */
export class CommModel implements Model {
  private readonly state = new Map<string, unknown>([['clicks', 'live']]);
  private readonly acts = new Map<string, Set<Act>>();

  constructor(private readonly comm: Kernel.IComm) {}

  /** Take over what the kernel says: `{state}` or `{answer}`. */
  hear(message: Json): void {
    const state = Object.entries(object(message['state']));
    state.forEach(([name, value]) => this.state.set(name, value));
    state.forEach(([name]) => this.emit(`change:${name}`, undefined));
    if ('answer' in message) {
      this.emit('msg:custom', message['answer']);
    }
  }

  get(name: string): unknown {
    return this.state.get(name);
  }

  set(name: string, value: unknown): void {
    this.state.set(name, value);
  }

  on(name: string, act: Act): void {
    this.acts.set(name, (this.acts.get(name) ?? new Set()).add(act));
  }

  off(name: string, act: Act): void {
    this.acts.get(name)?.delete(act);
  }

  /** A comm that is gone takes nothing; the view says so already. */
  send(message: unknown): void {
    if (!this.comm.isDisposed) {
      this.comm.send(message as JSONValue as JSONObject);
    }
  }

  private emit(name: string, message: unknown): void {
    this.acts.get(name)?.forEach(act => act(message));
  }
}
