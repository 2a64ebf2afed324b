// A store in a process of its own. Each line of standard input is a call, `[id, method, ...arguments]` as JSON; each line of standard output
// is an answer, `[id, value]` or `[id, null, { code, message }]`. The method `sql` runs SQL on a connection beside the store.
// Arguments of the process: the path of the database, and the options of the store as JSON.
import { createInterface } from 'node:readline';

import { createSqliteStore } from '../../../src/storage/sqlite.js';
import { findDriver } from '../../../src/storage/sqlite/driver.js';
import type { RunStore } from '../../../src/core/ports/store.js';

const [path = '', options = '{}'] = process.argv.slice(2);
let store: RunStore | undefined;
let raw: ReturnType<ReturnType<typeof findDriver>> | undefined;

async function call(method: string, values: readonly unknown[]): Promise<unknown> {
  if (method === 'sql') return (raw ??= findDriver()(path)).exec(String(values[0])) === undefined;
  store ??= createSqliteStore({ path, ...(JSON.parse(options) as object) });
  const act = store[method as keyof RunStore] as (...values: readonly unknown[]) => Promise<unknown>;
  return act(...values);
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const [id, method, ...values] = JSON.parse(line) as [number, string, ...unknown[]];
  const answer = (...rest: readonly unknown[]): void => void process.stdout.write(`${JSON.stringify([id, ...rest])}\n`);
  call(method, values).then(
    (value) => answer(value ?? null),
    (error: unknown) => {
      const { code = '', message } = error as NodeJS.ErrnoException;
      answer(null, { code, message });
    },
  );
});
