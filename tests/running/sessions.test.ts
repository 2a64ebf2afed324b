import type { Agent, AgentFunction, SessionEnd } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { describe, expect, it } from 'vitest';

import { decider, delegate, finish, recorder, role, supervised } from './support/team.js';
import { ada, createWorld, ticket, tickets } from './support/world.js';

/** An agent that hears when its conversations end. */
function listener(run: AgentFunction = async () => ({ output: {} })): Agent & { readonly ended: SessionEnd[] } {
  const ended: SessionEnd[] = [];
  return { ended, run, endSession: (end) => void ended.push(end) };
}
const synthesis = { role: 'worker', instructions: 'Sum it up.', outputSchema: true } as const;
const kept = role('worker', { clear: false });

describe('DD-33 the end of a session', () => {
  it('is told once for each, when the run has ended and before anyone hears of that', async () => {
    const worker = listener();
    const world = createWorld({ agents: { worker } });
    const run = await world.start(
      tickets(['a', 'b'], {
        roles: [kept, role('other', { agentId: 'worker' })],
        synthesis: { ...synthesis, role: 'other' },
      }),
    );
    const told = run.result().then(() => worker.ended.length);
    await world.end(run);
    const { runId } = run;
    expect(worker.ended).toEqual([
      { runId, role: 'worker', session: `${runId}/role/worker`, reason: 'run-ended' },
      { runId, role: 'other', session: `${runId}/step/synthesis`, reason: 'run-ended' },
    ]);
    expect(await told).toBe(2);
  });

  it('is told to supervisor and workers, each of its own', async () => {
    const lead = listener(decider(delegate(['coder']), finish()).agent);
    const coder = listener();
    const world = createWorld({ agents: { lead, coder, clerk: recorder().agent } });
    const { run } = await world.run(supervised([role('coder', { clear: false })]));
    expect(coder.ended.map(({ session }) => session)).toEqual([`${run.runId}/role/coder`]);
    expect(new Set(lead.ended.map(({ role: key }) => key))).toEqual(new Set(['lead']));
  });

  it('is told when the run is cancelled, and waits for no agent for ever', async () => {
    const worker: Agent = { run: () => new Promise(() => undefined), endSession: () => new Promise(() => undefined) };
    const world = createWorld({ agents: { worker } });
    const run = await world.start(tickets(['a'], { roles: [kept], synthesis }));
    await world.clock.advanceAsync(10);
    const result = await world.clock.runUntil(run.cancel());
    expect(result.status).toBe('cancelled');
  });

  it('changes nothing where the agent throws', async () => {
    const worker: Agent = {
      run: async () => ({ output: {} }),
      endSession() {
        throw new Error('No.');
      },
    };
    const { result } = await createWorld({ agents: { worker } }).run(tickets([ticket('a')], { roles: [kept], synthesis }));
    expect(result.status).toBe('completed');
  });

  it('is told when the orchestrator is closed, of a run that goes on elsewhere', async () => {
    const worker = listener(async (_, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return { output: {} };
    });
    const store = createMemoryStore();
    const world = createWorld({ agents: { worker }, store });
    const proposed = await world.propose(tickets(['a'], { roles: [kept], synthesis }));
    const run = await world.approve(proposed, { approvedBy: ada });
    run.result().catch(() => undefined);
    await world.clock.advanceAsync(10);
    await world.clock.runUntil(world.orchestrator.close());
    expect(worker.ended).toEqual([{ runId: run.runId, role: 'worker', session: `${run.runId}/role/worker`, reason: 'closed' }]);
  });
});
