import { JSONObject } from '@lumino/coreutils';

import { Json, object, text } from '../run/json';

/** The settings that a kernel does not take over, each with its reason in words. */
export function overridden(wanted: JSONObject, answer: Json): string[] {
  return Object.keys(wanted).flatMap(name => {
    const one = object(answer[name]);
    if (text(one['error'])) {
      return [`${name}: ${text(one['error'])}`];
    }
    const differs = JSON.stringify(one['value']) !== JSON.stringify(wanted[name]);
    return one['source'] === 'config' && differs ? [`${name} is ${JSON.stringify(one['value'])} by %config`] : [];
  });
}
