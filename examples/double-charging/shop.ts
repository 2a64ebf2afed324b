// One life of the shop: takes up what an earlier life has left, or begins. Started by main.ts, which counts what it did.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { AgentError, createOrchestrator, type Agent, type Orchestrator, type Run } from 'planwright';
import { createSqliteStore } from 'planwright/storage/sqlite';

import { createProvider } from './provider.js';
import { ways, type Loss } from './ways.js';

const [folder = '', nth = ''] = process.argv.slice(2);
const way = ways[Number(nth)]!;
const order = 'order-17';
const mark = join(folder, 'lost');
const provider = createProvider(join(folder, 'provider.jsonl'), way);

/** Loses what is to be lost here, the first time. */
function lose(loss: Loss): void {
  if (loss !== way.lost || existsSync(mark)) return;
  writeFileSync(mark, loss);
  if (loss === 'the answer to the charge') throw new AgentError('The connection was cut.');
  process.kill(process.pid, 'SIGKILL');
}

const cashier: Agent = {
  async run({ runId, stepId, kind, idempotencyKey }, { once }) {
    // A step and what undoes it must not share one.
    const key = way.key === 'of the step' ? `${runId}:${stepId}:${kind}` : idempotencyKey;
    if (kind === 'compensation') {
      provider.book({ type: 'refund', order, key });
      lose('the process, after the refund');
      return { output: null };
    }
    if (stepId === 'pay') {
      lose('the process, before the charge');
      const charge = () => provider.book({ type: 'charge', order, key }).id;
      const id = way.chargesOnce ? await once('charge', charge) : charge();
      lose('the answer to the charge');
      lose('the process, after the charge');
      return { output: { charge: id } };
    }
    if (stepId === 'ship' && way.isSoldOut) throw new AgentError('There is none left.');
    return { output: {} };
  },
  ...(way.canProbe && {
    // Gets the request that the attempt got, and changes nothing.
    async probe({ idempotencyKey }) {
      const found = provider.bookings().find(({ key }) => key === idempotencyKey);
      return found ? { happened: true, output: { charge: found.id } } : { happened: false };
    },
  }),
};

async function begin(orchestrator: Orchestrator): Promise<Run> {
  const { runId, revision, digest } = await orchestrator.propose({
    schemaVersion: 1,
    goal: `Sell ${order}`,
    roles: [{ key: 'cashier', kind: 'existing', agentId: 'cashier' }],
    tickets: [
      {
        key: 'pay',
        title: 'Charge the customer',
        role: 'cashier',
        instructions: 'Charge $40.',
        effect: way.effect,
        ...(way.lost === 'the answer to the charge' && { retry: { attempts: 2, backoffMs: 10 } }),
        compensation: { role: 'cashier', instructions: 'Refund it.' },
      },
      { key: 'ship', title: 'Ship', role: 'cashier', instructions: 'Ship it.', dependsOn: ['pay'], onFailure: 'fail-run' },
    ],
    synthesis: { role: 'cashier', instructions: 'Close the order.', outputSchema: true },
  });
  return orchestrator.approve(runId, { revision, digest, approvedBy: { kind: 'policy', id: 'shop' } });
}

/** Somebody who looks at the provider's pages where nobody else knows. */
async function answerDoubts(run: Run): Promise<void> {
  for await (const event of run.events()) {
    if (event.type !== 'step.in-doubt' || way.canProbe) continue;
    const found = provider.bookings().find((booking) => booking.order === order);
    await run.decide(event.stepId, { approve: found !== undefined, by: 'ada', ...(found && { output: { charge: found.id } }) });
  }
}

const store = createSqliteStore({ path: join(folder, 'runs.db') });
const orchestrator = createOrchestrator({ store, agents: { cashier } });
const [interrupted] = await orchestrator.recover();
if (!interrupted && existsSync(mark)) throw new TypeError('The run of the life before was not taken up.');
const run = interrupted ?? (await begin(orchestrator));
const [{ status }] = await Promise.all([run.result(), answerDoubts(run)]);
console.log(JSON.stringify({ status, pay: run.view().steps.find(({ id }) => id === 'pay')?.status }));
await orchestrator.close();
await store.close();
