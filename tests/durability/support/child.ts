// A process that drives runs. Its first argument says how, as JSON; what it does it tells to a file, a line each, before anything follows from
// it. It says `ready` on standard output when it is about to begin. One that lives by itself says `done` when nothing is left to do, and ends.
// To one that serves, each line of standard input is a call, `[id, verb, ...arguments]`; each further line of output is an answer.
import { openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { createOrchestrator, systemClock } from 'planwright';

import type { ChildTask } from './child-task.js';
import { createClerks } from './child-clerks.js';
import { live } from './child-life.js';
import { serve } from './child-service.js';
import { openStore } from './child-store.js';
import { connectCounter } from './counter-client.js';
import { createHouse } from './house.js';
import type { WitnessLine } from './witness.js';

const task = JSON.parse(process.argv[2] ?? '{}') as ChildTask;
const { leaseMs = 30_000, maxLostStarts = 1_000 } = task;
const told = openSync(task.witness, 'a');
const tell = (line: WitnessLine): void => void writeSync(told, `${JSON.stringify({ ...line, pid: process.pid })}\n`);
const say = (line: string): void => void writeSync(1, `${line}\n`);

say('ready');
const effects = connectCounter(task.world);
const { store, end } = openStore(task.store, tell);
const goalOf = async (runId: string): Promise<string> => (await store.load(runId))?.summary.goal ?? '';
const clerk = createClerks({ ...task, clock: systemClock, effects, goalOf, tell });
const orchestrator = createOrchestrator({
  store,
  agents: { worker: clerk },
  workspace: createHouse({
    effects,
    clerk,
    note: (hook, { runId, idempotencyKey, role, event }) =>
      tell({ type: 'hook', runId, hook, call: { idempotencyKey, ...(role !== undefined && { role }), ...(event && { event }) } }),
  }),
  leaseMs,
  maxLostStarts,
  graceMs: 300,
  ...(task.tight && { journalLimit: 1, memoryLimitBytes: 1 }),
});

if (task.kind === 'live') {
  // Runs that wait for a person need somebody to keep the process.
  const present = setInterval(() => undefined, 1_000);
  await live({ orchestrator, task, tell });
  clearInterval(present);
  await orchestrator.close();
  await end();
  say('done');
} else {
  createInterface({ input: process.stdin }).on('line', (line) => void serve(line, { orchestrator, task, tell }).then(say));
}
