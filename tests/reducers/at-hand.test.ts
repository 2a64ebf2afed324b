import {
  analyzePlan,
  approvePlan,
  createOrchestrator,
  definePlan,
  IllegalInputError,
  createKernel,
  materialize,
  parseProposal,
  planProposal,
  type Reducer,
  replay,
  toStateMachine,
} from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { simulateCrashes } from 'planwright/testing';
import { describe, expect, it } from 'vitest';
import { createActor, fromPromise, waitFor } from 'xstate';

import { ada, rejectionOf, stepOf, ticket, tickets } from '../running/support/world.js';
import { reduceTicket } from './support/joined.js';

const longest: Reducer = (contributions) =>
  contributions.map(({ output }) => output as string).reduce((one, other) => (other.length > one.length ? other : one));
const synthesis = { role: 'worker', instructions: 'Sum up.', outputSchema: true };
const proposal = tickets(
  ['a', ticket('b'), reduceTicket('joined', 'custom:longest', { dependsOn: ['a', 'b'] }), ticket('c', { dependsOn: ['joined'] })],
  { synthesis },
);
const worker = async ({ stepId }: { readonly stepId: string }) => ({ output: stepId.repeat(stepId === 'b' ? 3 : 1) });
const hanging = (at: string, onHang: () => void) => async (request: { readonly stepId: string }) => {
  if (request.stepId !== at) return worker(request);
  onHang();
  return new Promise<never>(() => undefined);
};
const planned = () => {
  const parsed = parseProposal(proposal);
  const plan = parsed.ok ? planProposal(parsed.value) : parsed;
  if (!plan.ok) throw new TypeError(JSON.stringify(plan.error));
  return plan.value;
};

/** A run in a store whose process was lost while a step was at work. */
async function lost(store = createMemoryStore()) {
  await new Promise<void>((resolve) => {
    const agents = { worker: hanging('c', resolve) };
    const first = createOrchestrator({ store, owner: 'one', agents, reducers: { longest } });
    void first.propose(proposal).then((proposed) => first.approve(proposed.runId, { ...proposed, approvedBy: ada }));
  });
  return store;
}

describe('a reducer of one’s own', () => {
  it('is refused when it is proposed where it is not at hand, with those that are', async () => {
    const orchestrator = createOrchestrator({ agents: { worker }, reducers: { shortest: longest } });
    const error = await rejectionOf(orchestrator.propose(proposal));
    expect(error).toMatchObject({
      code: 'PROPOSAL_REJECTED',
      issues: [{ code: 'unknown-reducer', pointer: '/tickets/2/reducer' }],
    });
    expect(JSON.stringify(error['issues'])).toContain('custom:shortest');
    const plan = definePlan({
      goal: 'g',
      roles: proposal.roles,
      steps: [
        { id: 'a', kind: 'ticket', role: 'worker' },
        { id: 'b', kind: 'reduce', reducer: 'custom:longest', dependsOn: ['a'] },
      ],
    });
    if (!plan.ok) throw new TypeError('no plan');
    expect(await rejectionOf(orchestrator.proposePlan(plan.value))).toMatchObject({ issues: [{ code: 'unknown-reducer' }] });
  });

  it('is refused when it is approved where it is not at hand', async () => {
    const store = createMemoryStore();
    const { runId, ...shown } = await createOrchestrator({ store, agents: { worker }, reducers: { longest } }).propose(proposal);
    const other = createOrchestrator({ store, agents: { worker } });
    const error = await rejectionOf(other.approve(runId, { ...shown, approvedBy: ada }));
    expect(error).toMatchObject({ code: 'APPROVAL_REFUSED', issues: [{ code: 'unknown-reducer' }] });
    const able = createOrchestrator({ store, agents: { worker }, reducers: { longest } });
    const run = await able.approve(runId, { ...shown, approvedBy: ada });
    expect(await run.result()).toMatchObject({ status: 'completed' });
    expect(stepOf(run, 'joined').output).toBe('bbb');
  });

  it('is missed by a process that takes the run up, which says so and leaves the run to others', async () => {
    const store = await lost();
    const without = createOrchestrator({ store, owner: 'one', agents: { worker } });
    const error = await rejectionOf(without.recover());
    expect(error).toMatchObject({ code: 'RECOVERY_INCOMPLETE', failures: [{ error: { code: 'REDUCER_MISSING' } }] });
    const seen = await without.run((await without.list())[0]!.runId);
    expect(stepOf(seen, 'joined').output).toBe('bbb');
    const able = createOrchestrator({ store, owner: 'one', agents: { worker }, reducers: { longest } });
    const [run] = await able.recover();
    expect(await run?.result()).toMatchObject({ status: 'completed' });
  });

  it('is not asked again for what is on record, and what it did not agree on is there after a restart', async () => {
    const store = await lost();
    const calls: string[] = [];
    const counting: Reducer = (given) => (calls.push('again'), longest(given));
    const next = createOrchestrator({ store, owner: 'one', agents: { worker }, reducers: { longest: counting } });
    const [run] = await next.recover();
    expect(await run?.result()).toMatchObject({ status: 'completed' });
    expect(calls).toEqual([]);
    expect(stepOf(run!, 'joined').output).toBe('bbb');
  });

  it('runs in the composed machine as well, where materialize was given it', async () => {
    const plan = planned();
    expect(analyzePlan(plan).filter(({ severity }) => severity === 'error')).toEqual([]);
    const approved = approvePlan(plan, { revision: plan.revision, digest: plan.digest, approvedBy: ada });
    if (!approved.ok) throw new TypeError('not approved');
    const outputsWith = async (reducers: Readonly<Record<string, Reducer>>) => {
      const materialized = materialize(approved.value, { worker: { agentId: 'worker' } }, { reducers });
      const actors = { worker: fromPromise(({ input }: { input: { stepId: string } }) => worker(input)) };
      const actor = createActor(toStateMachine(materialized).provide({ actors })).start();
      const ended = await waitFor(actor, ({ status }) => status !== 'active');
      return ended.context as { readonly outputs: Record<string, unknown>; readonly errors: Record<string, string> };
    };
    expect((await outputsWith({ longest })).outputs['joined']).toBe('bbb');
    expect((await outputsWith({})).errors['joined']).toContain('names the reducer "custom:longest"; there are collect');
  });
});

describe('conflicts', () => {
  const merging = tickets(['a', 'b', reduceTicket('joined', 'merge', { dependsOn: ['a', 'b'] })], { synthesis });

  it('HB-51 are the same after a crash at every point', async () => {
    const report = await simulateCrashes({ proposal: merging, agents: () => ({ worker }) });
    expect(report.failures).toEqual([]);
  });

  it('HB-51 are in the journal, from which a replay comes to the same', async () => {
    const store = createMemoryStore();
    const orchestrator = createOrchestrator({ store, agents: { worker } });
    const proposed = await orchestrator.propose(merging);
    const run = await orchestrator.approve(proposed.runId, { ...proposed, approvedBy: ada });
    await run.result();
    const { conflicts } = stepOf(run, 'joined');
    expect(conflicts).toMatchObject([{ pointer: '', values: [{ value: 'a' }, { value: 'bbb' }] }]);
    const journal = await store.journal(proposed.runId);
    expect(journal.find((entry) => entry.type === 'step.succeeded' && entry.stepId === 'joined')).toMatchObject({ conflicts });
    const approved = approvePlan(proposed.plan, { ...proposed, approvedBy: ada });
    if (!approved.ok) throw new TypeError('not approved');
    expect(replay(materialize(approved.value, { worker: { agentId: 'worker' } }), journal).status).toBe('completed');
    const stored = await createOrchestrator({ store, agents: { worker } }).run(proposed.runId);
    expect(stepOf(stored, 'joined').conflicts).toEqual(conflicts);
  });

  it('are refused by the kernel where they are none', () => {
    const plan = planned();
    const approved = approvePlan(plan, { revision: plan.revision, digest: plan.digest, approvedBy: ada });
    if (!approved.ok) throw new TypeError('not approved');
    const kernel = createKernel(materialize(approved.value, { worker: { agentId: 'worker' } }));
    const spend = { inputTokens: 0, outputTokens: 0, costMicroUsd: 0, provenance: 'measured' } as const;
    kernel.apply({ type: 'run.start', at: 0, graceMs: 0 });
    kernel.apply({ type: 'step.started', at: 0, stepId: 'a', attempt: 1 });
    const bad = { type: 'step.succeeded', at: 0, stepId: 'a', attempt: 1, output: 1, spend, conflicts: 'many' } as unknown;
    expect(() => kernel.apply(bad as Parameters<typeof kernel.apply>[0])).toThrow(IllegalInputError);
  });
});
