import { connect } from 'node:net';
import { createInterface } from 'node:readline';

import type { Json } from 'planwright';
import type { EffectLedger } from 'planwright/testing';

import type { CounterCall } from './counter.js';

/** The world behind a socket, as agents see it. It keeps no process alive. */
export function connectCounter(socket: string): EffectLedger {
  const connection = connect(socket);
  const waiting = new Map<number, (value: Json | undefined) => void>();
  createInterface({ input: connection }).on('line', (line) => {
    const [id, value] = JSON.parse(line) as readonly [number, Json?];
    waiting.get(id)?.(value);
    waiting.delete(id);
    if (waiting.size === 0) connection.unref();
  });
  connection.unref();
  let calls = 0;
  const call = (verb: CounterCall[1], key: string, value: Json): Promise<Json | undefined> =>
    new Promise((resolve) => {
      calls += 1;
      waiting.set(calls, resolve);
      connection.ref();
      connection.write(`${JSON.stringify([calls, verb, key, value] satisfies CounterCall)}\n`);
    });
  const apply =
    (verb: CounterCall[1]) =>
    async (key: string, value: Json = null): Promise<Json> =>
      (await call(verb, key, value)) ?? null;
  return { apply: apply('apply'), applyBlindly: apply('applyBlindly'), find: (key) => call('find', key, null) };
}
