import {
  type AgentFunction,
  type ArtifactRef,
  type ArtifactStore,
  definePlan,
  fence,
  isArtifactRef,
  type Json,
  ok,
  type Plan,
  type PlanDraft,
  type Run,
  type RunEvent,
  type StepDraft,
  type Topology,
} from 'planwright';
import { createMemoryArtifacts } from 'planwright/storage/memory-artifacts';
import { createMemoryStore } from 'planwright/storage/memory';
import { proposalOf } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { decider, delegate, finish, role, supervised } from './support/team.js';
import { ada, createWorld, eventsOf, rejectionOf, stepOf, ticket, tickets, type WorldOptions } from './support/world.js';

const megabytes = (count: number): Json => ({ text: '0123456789'.repeat(count * 100_000) });
const roles = ['maker', 'reader'].map((key) => role(key));

/** One makes, one reads: `b` is given the output of `a`. */
const chain = (parts: Parameters<typeof ticket>[1] = {}) =>
  proposalOf([ticket('a', { role: 'maker', ...parts }), ticket('b', { role: 'reader', dependsOn: ['a'] })], {
    roles,
    synthesis: { role: 'reader', instructions: 'Put it together.', outputSchema: true },
  });

/** An agent that reads everything it is given through its context. */
function reader(): { readonly agent: AgentFunction; readonly given: Json[]; readonly read: Json[] } {
  const [given, read]: Json[][] = [[], []];
  const agent: AgentFunction = async ({ input, stepId }, context) => {
    const value = input['a'];
    if (stepId === 'b' && value !== undefined) {
      given!.push(value);
      read!.push(isArtifactRef(value) ? await context.artifact(value) : value);
    }
    return { output: 'read' };
  };
  return { agent, given: given!, read: read! };
}

const maker =
  (output: Json): AgentFunction =>
  async () => ({ output });

interface Scene extends WorldOptions {
  readonly made?: Json;
}

function createScene({ made = megabytes(1), agents = {}, artifacts, ...options }: Scene = {}) {
  const { agent, given, read } = reader();
  const store = createMemoryArtifacts();
  const world = createWorld({
    artifacts: { store, ...artifacts },
    agents: { maker: maker(made), reader: agent, ...agents },
    ...options,
  });
  return { ...world, given, read, artifacts: store };
}

function planOf(draft: PlanDraft): Plan {
  const plan = definePlan(draft);
  if (!plan.ok) throw new Error(JSON.stringify(plan.error));
  return plan.value;
}

const outputOf = (events: readonly RunEvent[], stepId: string): Json | undefined =>
  events.flatMap((event) => (event.type === 'step.succeeded' && event.stepId === stepId ? [event.output] : []))[0];

describe('a big output', () => {
  it('DD-52 goes by reference: 5 MB leave the journal small, and who depends on them reads them whole', async () => {
    const made = megabytes(5);
    const store = createMemoryStore();
    const { run, given, read, orchestrator } = createScene({ made, store });
    const { result, run: handle, events } = await run(chain());
    expect(result.status).toBe('completed');
    const stored = await store.load(handle.runId);
    expect(JSON.stringify(stored).length).toBeLessThan(100_000);
    expect(JSON.stringify(events).length).toBeLessThan(100_000);
    expect(JSON.stringify(handle.view()).length).toBeLessThan(100_000);
    const ref = given[0] as ArtifactRef;
    const bytes = JSON.stringify(made).length;
    expect(ref).toMatchObject({ runId: handle.runId, stepId: 'a', name: 'output', bytes });
    expect(ref.preview).toBe(JSON.stringify(made).slice(0, 200));
    expect([outputOf(events, 'a'), stepOf(handle, 'a').output]).toEqual([ref, ref]);
    expect(read).toEqual([made]);
    expect(await orchestrator.artifact(handle.runId, ref)).toEqual(made);
  });

  it('stays where it is without a store, and below the threshold', async () => {
    const made = megabytes(1);
    const { agent, given } = reader();
    const off = createWorld({ agents: { maker: maker(made), reader: agent } });
    await off.run(chain());
    expect(given).toEqual([made]);
    const below = createScene({ made: 'x'.repeat(65_534) });
    await below.run(chain());
    const above = createScene({ made: 'x'.repeat(65_535) });
    await above.run(chain());
    expect([isArtifactRef(below.given[0]), isArtifactRef(above.given[0])]).toEqual([false, true]);
  });

  it('is counted in bytes of UTF-8', async () => {
    const scene = createScene({ made: '走'.repeat(25_000) });
    await scene.run(chain());
    expect(scene.given[0]).toMatchObject({ bytes: 75_002 });
  });

  it('is checked against the schema of its step as a whole, before it is put away', async () => {
    let puts = 0;
    const { put, ...rest } = createMemoryArtifacts();
    const store: ArtifactStore = { ...rest, put: (artifact) => ((puts += 1), put(artifact)) };
    const { run } = createScene({ artifacts: { store } });
    const { run: handle } = await run(chain({ outputSchema: { type: 'object', required: ['title'] } }));
    expect(stepOf(handle, 'a').error?.code).toBe('OUTPUT_INVALID');
    expect(puts).toBe(0);
  });

  it('fills a placeholder with its reference', async () => {
    const asked: string[] = [];
    const agent: AgentFunction = async ({ instructions }) => (asked.push(instructions), { output: 'read' });
    const { run } = createScene({ agents: { reader: agent } });
    const { run: handle } = await run(
      proposalOf(
        [ticket('a', { role: 'maker' }), ticket('b', { role: 'reader', dependsOn: ['a'], instructions: 'Read {{input.a}}.' })],
        {
          roles,
          synthesis: { role: 'reader', instructions: 'End.', outputSchema: true },
        },
      ),
    );
    expect(asked[0]).toBe(`Read \n${fence(JSON.stringify(stepOf(handle, 'a').output), 'a')}\n.`);
  });

  it('that is the deliverable is a reference in the result, and whole for the workspace', async () => {
    const delivered: Json[] = [];
    const made = megabytes(1);
    const { run, orchestrator } = createScene({
      agents: { reader: maker(made) },
      workspace: { deliver: async ({ deliverable }) => void delivered.push(deliverable) },
    });
    const { result, run: handle } = await run(chain());
    expect(result).toMatchObject({ status: 'completed', deliverable: { $artifact: expect.any(String) as string } });
    expect(delivered).toEqual([made]);
    expect(await orchestrator.artifact(handle.runId, result.deliverable!)).toEqual(made);
  });

  it('of a refusal is put away too: the reason keeps its beginning', async () => {
    const agent: AgentFunction = async () => ({ output: 'no '.repeat(100_000), outcome: 'rejected' });
    const { run } = createScene({ agents: { maker: agent } });
    const { run: handle } = await run(chain());
    const { error } = stepOf(handle, 'a');
    expect(error?.code).toBe('REJECTED');
    expect(error?.message).toHaveLength(1_000);
    expect(isArtifactRef(error?.['output'])).toBe(true);
  });

  it('DD-48 that comes late, when nobody waits for it any more, is kept and can be read', async () => {
    const made = megabytes(1);
    const slow: AgentFunction = async () => {
      await new Promise<void>((resolve) => void scene.clock.schedule(scene.clock.now() + 5_000, resolve));
      return { output: made };
    };
    const scene = createScene({ agents: { maker: slow } });
    const { run: handle, events } = await scene.run(chain({ timeoutMs: 1_000 }));
    await scene.clock.advanceAsync(10_000);
    const late = [...events, ...(await eventsOf(handle))].find((event) => event.type === 'step.late');
    expect(await scene.orchestrator.artifact(handle.runId, (late as { output: Json }).output)).toEqual(made);
  });
});

describe('what planwright itself looks at', () => {
  const step = { kind: 'ticket', role: 'maker' } as const;

  it('is whole for the rules of a route, of references too', async () => {
    const plan = planOf({
      goal: 'Go the right way.',
      roles: [{ key: 'maker', kind: 'existing', agentId: 'maker' }],
      steps: [
        { ...step, id: 'a' },
        {
          id: 'choice',
          kind: 'route',
          dependsOn: ['a'],
          input: ['a'],
          routes: [
            { when: { properties: { a: { required: ['text'] } }, required: ['a'] }, to: ['right'], reason: 'there is text' },
            { to: ['wrong'], reason: 'there is none' },
          ],
        },
        { ...step, id: 'right', dependsOn: ['choice'] },
        { ...step, id: 'wrong', dependsOn: ['choice'] },
      ],
    });
    const { orchestrator, clock } = createScene();
    const { runId, revision, digest } = await orchestrator.proposePlan(plan);
    const run = await clock.runUntil(orchestrator.approve(runId, { revision, digest, approvedBy: ada }));
    await clock.runUntil(run.result());
    expect([stepOf(run, 'a').output, stepOf(run, 'right').status, stepOf(run, 'wrong').status]).toMatchObject([
      { $artifact: expect.any(String) as string },
      'succeeded',
      'skipped',
    ]);
  });

  it('is whole for reducers, and what they make of it is a reference again', async () => {
    const plan = planOf({
      goal: 'Gather.',
      roles: [{ key: 'maker', kind: 'existing', agentId: 'maker' }],
      steps: [
        { ...step, id: 'a' },
        { ...step, id: 'b' },
        { id: 'all', kind: 'reduce', reducer: 'collect', dependsOn: ['a', 'b'], input: ['a', 'b'] },
      ],
    });
    const made = megabytes(1);
    const { orchestrator, clock } = createScene({ made });
    const { runId, revision, digest } = await orchestrator.proposePlan(plan);
    const run = await clock.runUntil(orchestrator.approve(runId, { revision, digest, approvedBy: ada }));
    const { deliverable } = await clock.runUntil(run.result());
    const collected = JSON.stringify(await orchestrator.artifact(runId, deliverable!));
    expect(collected.split(JSON.stringify(made))).toHaveLength(3);
  });

  it('stays in the journal: what a supervisor answers; a report goes to it by reference', async () => {
    const made = megabytes(1);
    const lead = decider(delegate(['maker', 'Make it.']), async ({ reports }, context) =>
      finish(await context.artifact(reports[0]!.output)),
    );
    const { run } = createScene({ made, agents: { lead: lead.agent, clerk: maker('done') } });
    const { run: handle } = await run(supervised(['maker']));
    expect(isArtifactRef(lead.asked[1]!.reports[0]!.output)).toBe(true);
    expect(stepOf(handle, 'goal').output).toEqual(made);
  });
});

describe('a topology of your own', () => {
  const own = (parts: Pick<Topology, 'arrange'> & Partial<Topology>): Topology => ({
    ...{ kind: 'own', version: '1', description: 'For tests.' },
    options: { safeParse: () => ({ success: true, data: {} }) },
    ...parts,
  });

  it.each([[true], [false]])('sees what its steps made whole where their template says inline: %s', async (isInline) => {
    const seen: Json[] = [];
    const topology = own({
      arrange: ({ tickets: given }) =>
        ok({
          steps: given.map(({ key }) => ({ id: key, kind: 'ticket', expands: 'topology' })),
          templates: { work: { kind: 'delegation', role: 'maker', ...(isInline && { inline: true }) } },
          settings: {},
          team: ['maker'],
          bounds: { steps: 1, decisions: 0, delegations: 1, handoffs: 0, parallel: 1, depth: 1 },
        }),
      expand({ goal }, event) {
        const { id: parent, instructions } = goal;
        if (event.type === 'begun') return { add: [{ name: '1', template: 'work', parent, title: 'Work', instructions }] };
        if (event.type === 'reported') seen.push(event.output ?? null);
        return event.type === 'reported' ? { end: { succeeded: event.step.id } } : {};
      },
    });
    const made = megabytes(1);
    const { run } = createScene({ made, topologies: [topology] });
    const { result, run: handle } = await run(
      proposalOf([ticket('goal', { role: 'maker' })], {
        ...{ roles, topology: { kind: 'own' } },
        synthesis: { role: 'reader', instructions: 'Put it together.', outputSchema: true },
      }),
    );
    expect(result.status).toBe('completed');
    expect(seen.map(isArtifactRef)).toEqual(seen.map(() => !isInline));
    expect(isArtifactRef(stepOf(handle, 'goal').output)).toBe(!isInline);
    if (isInline) expect(seen[0]).toEqual(made);
  });

  it('may join, by a plan that is approved later, what was put away before', async () => {
    const joining = own({
      arrange: ({ tickets: given }) => {
        const drafts = given.map(({ key }): StepDraft => ({ id: key, kind: 'ticket' }));
        const joined: StepDraft = { id: 'joined', kind: 'reduce', reducer: 'collect', dependsOn: ['a', 'c'] };
        return ok(given.some(({ key }) => key === 'c') ? [...drafts, joined] : drafts);
      },
    });
    const made = megabytes(1);
    const { start, orchestrator, clock, end } = createScene({ made, topologies: [joining] });
    const of = (...keys: readonly string[]) =>
      proposalOf(
        keys.map((key) => ticket(key, { role: 'maker', ...(key === 'b' && { gate: { kind: 'before', prompt: 'Go on?' } }) })),
        {
          ...{ roles, topology: { kind: 'own' } },
          synthesis: { role: 'reader', instructions: 'Put it together.', outputSchema: true },
        },
      );
    const run = await start(of('a', 'b'));
    await clock.runUntil(until(run, (event) => event.type === 'step.succeeded' && event.stepId === 'a'));
    const { revision, digest } = await clock.runUntil(orchestrator.revise(run.runId, of('a', 'b', 'c'), { baseRevision: 1 }));
    await clock.runUntil(orchestrator.approve(run.runId, { revision, digest, approvedBy: ada }));
    await clock.runUntil(until(run, (event) => event.type === 'step.succeeded' && event.stepId === 'joined'));
    await run.decide('b', { approve: true, by: ada });
    expect((await end(run)).status).toBe('completed');
    const joined = await orchestrator.artifact(run.runId, stepOf(run, 'joined').output!);
    expect(JSON.stringify(joined).split(JSON.stringify(made))).toHaveLength(3);
  });
});

async function until(run: Run, isIt: (event: RunEvent) => boolean): Promise<void> {
  for await (const event of run.events()) if (isIt(event)) return;
}

describe('a reference', () => {
  it('DD-51 leads nowhere in another run, also where both are called alike: keys include the run id', async () => {
    const store = createMemoryArtifacts();
    const [secret, open] = [megabytes(1), { text: 'other'.repeat(100_000) }];
    const first = createScene({ artifacts: { store }, made: secret });
    const { run: mine } = await first.run(chain());
    const ref = first.given[0] as ArtifactRef;
    const errors: unknown[] = [];
    const thief: AgentFunction = async ({ runId }, { artifact }) => {
      for (const forged of [ref, { ...ref, runId }, { ...ref, $artifact: `sha256:${'0'.repeat(64)}`, runId }, 'a', null])
        errors.push(await artifact(forged).catch((error: unknown) => (error as { code: unknown }).code));
      return { output: 'tried' };
    };
    const second = createScene({ artifacts: { store }, made: open, agents: { reader: thief }, ids: () => 'another' });
    const { run: theirs } = await second.run(chain());
    expect(theirs.runId).not.toBe(mine.runId);
    expect(new Set(errors)).toEqual(new Set(['ARTIFACT_NOT_FOUND']));
    const denied = await rejectionOf(second.orchestrator.artifact(theirs.runId, ref));
    expect(denied.code).toBe('ARTIFACT_NOT_FOUND');
    expect(String(denied['message'])).toContain(`belongs to run "${mine.runId}"`);
    expect(await second.orchestrator.artifact(theirs.runId, stepOf(theirs, 'a').output!)).toEqual(open);
  });

  it('that an agent made up is no output: the attempt has failed, and is told why', async () => {
    const forged = {
      $artifact: `sha256:${'0'.repeat(64)}`,
      runId: 'run-0001',
      stepId: 'a',
      name: 'output',
      bytes: 9,
      preview: '',
    };
    const { run } = createScene({ made: forged });
    const { run: handle } = await run(chain());
    expect(stepOf(handle, 'a')).toMatchObject({ status: 'failed', error: { code: 'ARTIFACT_NOT_FOUND' } });
  });

  it('can be made by an agent, and handed on in an output', async () => {
    const read: Json[] = [];
    const writes: AgentFunction = async (_, context) => {
      const chapters = await context.once('chapters', async () => [await context.putArtifact('chapter 1', 'It began.')]);
      return { output: { chapters } };
    };
    const reads: AgentFunction = async ({ input, stepId }, context) => {
      const { chapters } = (input['a'] ?? {}) as { chapters?: ArtifactRef[] };
      if (stepId === 'b') read.push(chapters![0]!.name, await context.artifact(chapters![0]!));
      return { output: 'read' };
    };
    const { run } = createScene({ agents: { maker: writes, reader: reads } });
    await run(chain());
    expect(read).toEqual(['chapter 1', 'It began.']);
  });

  it('whose artifact was deleted is a typed error that says so', async () => {
    const { run, orchestrator, artifacts } = createScene();
    const { run: handle } = await run(chain());
    await artifacts.deleteRun(handle.runId);
    const error = await rejectionOf(orchestrator.artifact(handle.runId, stepOf(handle, 'a').output!));
    expect(error).toMatchObject({ code: 'ARTIFACT_NOT_FOUND', runId: handle.runId });
    expect(error['message']).toContain('or it was deleted');
  });

  it('whose content is damaged gives nothing', async () => {
    const { get: _, ...rest } = createMemoryArtifacts();
    const store: ArtifactStore = { ...rest, get: async () => '{"text":"forged"}' };
    const { run } = createScene({ artifacts: { store } });
    const { run: handle } = await run(chain());
    expect(stepOf(handle, 'b').error?.code).toBe('STORE_CORRUPT');
  });

  it('without a store is a typed error with its fix', async () => {
    const codes: unknown[] = [];
    const agent: AgentFunction = async (_, context) => {
      for (const call of [context.artifact('x'), context.putArtifact('x', 1)]) codes.push((await rejectionOf(call)).code);
      return { output: 'tried' };
    };
    const { run, orchestrator } = createWorld({ agents: { agent } });
    await run(tickets([ticket('a', { role: 'agent' })], { roles: [role('worker'), role('agent')] }));
    expect(codes).toEqual(['ARTIFACT_STORE_MISSING', 'ARTIFACT_STORE_MISSING']);
    expect((await rejectionOf(orchestrator.artifact('run', 'x')))['message']).toContain('artifacts: { store }');
  });
});

describe('a store of artifacts', () => {
  const failing: readonly (readonly [string, () => Promise<never>])[] = [
    [
      'throws',
      () => {
        throw new Error('disk full');
      },
    ],
    ['rejects', () => Promise.reject(new Error('disk full'))],
    ['hangs', () => new Promise<never>(() => undefined)],
  ];

  it.each(failing)('that %s on put costs the attempt, within its limit; another one may succeed', async (_, put) => {
    const memory = createMemoryArtifacts();
    let puts = 0;
    // The first attempt tries three times.
    const store: ArtifactStore = { ...memory, put: (artifact) => ((puts += 1), puts <= 3 ? put() : memory.put(artifact)) };
    const scene = createScene({ artifacts: { store, timeoutMs: 2_000 } });
    const { result, events } = await scene.run(chain({ retry: { attempts: 2, backoffMs: 0 } }));
    expect(result.status).toBe('completed');
    const failure = events.find((event) => event.type === 'step.backing-off');
    expect(failure).toMatchObject({ stepId: 'a', error: { code: 'ARTIFACT_UNAVAILABLE' } });
    expect(failure!.at).toBeLessThanOrEqual(3 * 2_000 + 3_000);
    expect(scene.read).toEqual([megabytes(1)]);
  });

  it.each(failing)('that %s on get fails the call of the agent, and nothing else', async (_, get) => {
    const store: ArtifactStore = { ...createMemoryArtifacts(), get };
    const scene = createScene({ artifacts: { store, timeoutMs: 2_000 } });
    const { run: handle, result } = await scene.run(chain());
    expect([result.status, stepOf(handle, 'b').error?.code]).toEqual(['completed', 'ARTIFACT_UNAVAILABLE']);
  });

  it('that fails for a moment costs nothing', async () => {
    const memory = createMemoryArtifacts();
    let puts = 0;
    const flaky = async () => {
      if ((puts += 1) === 1) throw new Error('a moment');
    };
    const store: ArtifactStore = { ...memory, put: (artifact) => flaky().then(() => memory.put(artifact)) };
    const scene = createScene({ artifacts: { store } });
    const { run: handle } = await scene.run(chain());
    expect(stepOf(handle, 'a')).toMatchObject({ status: 'succeeded', attempts: 1 });
  });

  it('that fails does not make what happened once look as if it had not: its output stays in the journal', async () => {
    const store: ArtifactStore = { ...createMemoryArtifacts(), put: () => Promise.reject(new Error('disk full')) };
    const scene = createScene({ artifacts: { store } });
    const { run: handle } = await scene.run(chain({ effect: 'once' }));
    expect(stepOf(handle, 'a')).toMatchObject({ status: 'succeeded', output: megabytes(1) });
  });

  it('that answers late is not waited for by an attempt that is aborted', async () => {
    const reasons: unknown[] = [];
    const agent: AgentFunction = async ({ stepId, input }, context) => {
      if (stepId === 'b')
        await context.artifact(input['a']!).catch((error: unknown) => reasons.push((error as { code: string }).code));
      return { output: 'read' };
    };
    const store: ArtifactStore = { ...createMemoryArtifacts(), get: () => new Promise<never>(() => undefined) };
    const scene = createScene({ artifacts: { store, timeoutMs: 1e6 }, agents: { reader: agent } });
    const run = await scene.start(chain());
    await scene.clock.runUntil(until(run, (event) => event.type === 'step.started' && event.stepId === 'b'));
    await run.cancel({ reason: 'enough' });
    await scene.end(run);
    expect(reasons).toEqual(['ATTEMPT_ABORTED']);
  });

  it('of one attempt takes a thousand artifacts and no more', async () => {
    let refused: unknown;
    const flood: AgentFunction = async (_, context) => {
      for (let index = 0; index <= 1_000; index += 1)
        await context
          .putArtifact('x', index)
          .catch((error: unknown) => (refused = [index, (error as { reason: string }).reason]));
      return { output: 'flooded' };
    };
    const { run } = createScene({ agents: { maker: flood } });
    await run(chain());
    expect(refused).toEqual([1_000, 'too_many_artifacts']);
  });
});
