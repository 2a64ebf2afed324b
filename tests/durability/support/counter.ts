// The world outside, as a process of its own: counts effects by their key, in a file of its own. Arguments: the socket to listen on, and the
// file, to which each effect is written and synced before it is answered for. Each line of a connection is a call, `[id, verb, key, value]`;
// each answer is `[id, value]`, with `null` for what is not there.
import { fsyncSync, openSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

import type { Json } from 'planwright';

/** How the world is called. */
export type CounterCall = readonly [id: number, verb: 'apply' | 'applyBlindly' | 'find', key: string, value: Json];

/** What its file has: effects, and what was asked for again and was none. */
export interface CountedLine {
  readonly key: string;
  readonly value: Json;
  readonly isAgain: boolean;
}

const [socket = '', file = ''] = process.argv.slice(2);
const output = openSync(file, 'a');
const first = new Map<string, Json>();

function call([, verb, key, value]: CounterCall): Json | undefined {
  const before = first.get(key);
  if (verb === 'find') return before;
  const isAgain = verb === 'apply' && before !== undefined;
  writeSync(output, `${JSON.stringify({ key, value, isAgain } satisfies CountedLine)}\n`);
  fsyncSync(output);
  if (before === undefined) first.set(key, value);
  return isAgain ? before : value;
}

createServer((connection) => {
  // A caller that was killed hears nothing.
  connection.on('error', () => undefined);
  const lines = createInterface({ input: connection }).on('error', () => undefined);
  lines.on('line', (line) => {
    const asked = JSON.parse(line) as CounterCall;
    const found = call(asked);
    connection.write(`${JSON.stringify(found === undefined ? [asked[0]] : [asked[0], found])}\n`);
  });
}).listen(socket, () => void process.stdout.write('ready\n'));
