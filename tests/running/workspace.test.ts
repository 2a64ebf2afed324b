import { type AgentFunction, type AgentRequest, type RunEvent, type Workspace } from 'planwright';
import { expect, it } from 'vitest';

import { createWorld, eventsOf, stepOf, ticket, tickets, typesOf } from './support/world.js';

const hire = (key: string, name = key) => ({ key, kind: 'hire', hire: { name } }) as const;
const existing = (key: string, agentId = key) => ({ key, kind: 'existing', agentId }) as const;
const never = () => new Promise<never>(() => undefined);

/** A house that notes every call, in order. */
function createHouse(overrides: Workspace = {}) {
  const calls: { readonly hook: string; readonly request: Record<string, unknown> }[] = [];
  const note = (hook: string, request: object) => void calls.push({ hook, request: { ...request } });
  const agents: AgentRequest[] = [];
  const agent: AgentFunction = async (request) => {
    agents.push(request);
    return { output: { by: request.role } };
  };
  const workspace: Workspace = {
    hire: async (request) => (note('hire', request), { agentId: `hired-${request.role}`, agent }),
    release: async (request) => note('release', request),
    createTeam: async (request) => (note('createTeam', request), { teamId: 'team-1' }),
    createProject: async (request) => (note('createProject', request), { projectId: 'project-1' }),
    deliver: async (request) => note('deliver', request),
    ...overrides,
  };
  return { workspace, calls, requests: agents, hooks: () => calls.map(({ hook }) => hook) };
}

const mixed = () =>
  tickets(['a', ticket('b', { role: 'writer' })], {
    roles: [existing('worker'), hire('writer', 'Copywriter')],
    synthesis: { role: 'writer', instructions: 'Write.', outputSchema: { type: 'object' } },
  });

it('CC-06 an existing agent is used by its id, and nobody is hired for it', async () => {
  const { workspace, hooks } = createHouse();
  const { run, worker } = createWorld({ workspace });
  const { run: handle } = await run(tickets(['a']));
  expect(hooks()).not.toContain('hire');
  expect(stepOf(handle, 'a').agentId).toBe('worker');
  expect(worker.calls.map(({ request }) => request.stepId)).toEqual(['a', 'synthesis']);
});

it('CC-07 a hire is made once, after the approval and never before', async () => {
  const { workspace, calls, hooks, requests } = createHouse();
  const { propose, orchestrator, approve, end, clock } = createWorld({ workspace });
  const proposed = await propose(mixed());
  await clock.runUntil(orchestrator.revise(proposed.runId, mixed(), { baseRevision: 1 }));
  expect(hooks()).toEqual([]);
  const again = { ...proposed, revision: 2 };
  const run = await approve(again);
  await approve(again);
  await end(run);
  expect(hooks().filter((hook) => hook === 'hire')).toHaveLength(1);
  expect(calls[0]?.request).toEqual({
    runId: run.runId,
    idempotencyKey: `${run.runId}:hire:writer`,
    role: 'writer',
    hire: { name: 'Copywriter' },
  });
  expect(requests.map(({ stepId, role }) => [stepId, role])).toEqual([
    ['b', 'writer'],
    ['synthesis', 'writer'],
  ]);
});

it('CC-26 hires are on record before the run starts', async () => {
  const { workspace } = createHouse();
  const { propose, orchestrator, approve, end } = createWorld({ workspace });
  const proposed = await propose(mixed());
  const handle = await orchestrator.run(proposed.runId);
  const atStart: unknown[] = [];
  const watching = (async () => {
    for await (const { type } of handle.events()) if (type === 'run.started') atStart.push(handle.view().hires);
  })();
  await end(await approve(proposed));
  await watching;
  expect(atStart).toEqual([[{ role: 'writer', agentId: 'hired-writer' }]]);
  const types = typesOf(await eventsOf(handle));
  expect(types.indexOf('run.hired')).toBeLessThan(types.indexOf('run.started'));
});

it.each([
  ['completed', async () => undefined],
  ['failed', async () => undefined],
  ['cancelled', async (run: { cancel(): Promise<unknown> }) => void run.cancel()],
] as const)('CC-27 when the run is %s, every hire is let go once', async (status, meanwhile) => {
  const { workspace, calls } = createHouse();
  const script = { default: status === 'failed' ? { fail: 'no' } : { delayMs: 1_000 } };
  const proposal = tickets(['a', ticket('b', { role: 'writer', dependsOn: ['a'], onFailure: 'fail-run' })], {
    roles: [existing('worker'), hire('writer'), hire('editor')],
  });
  const failing = { ...proposal, tickets: proposal.tickets.map((one) => ({ ...one, onFailure: 'fail-run' as const })) };
  const { start, end } = createWorld({ workspace, script });
  const run = await start(failing);
  await meanwhile(run);
  expect(await end(run)).toMatchObject({ status });
  const released = calls.filter(({ hook }) => hook === 'release').map(({ request }) => request['agentId']);
  expect(released).toEqual(['hired-editor', 'hired-writer']);
  expect(run.view().hires).toEqual([]);
});

it('CC-28 the team has every role, led by the agent of the synthesis', async () => {
  const { workspace, calls } = createHouse();
  await createWorld({ workspace }).run(mixed());
  expect(calls.filter(({ hook }) => hook === 'createTeam').map(({ request }) => request)).toEqual([
    {
      runId: 'run-0001',
      idempotencyKey: 'run-0001:team',
      name: 'Do 2 tickets',
      leader: 'hired-writer',
      members: [
        { role: 'worker', agentId: 'worker' },
        { role: 'writer', agentId: 'hired-writer' },
      ],
    },
  ]);
});

it('CC-29 every ticket carries the same project, which holds them all', async () => {
  const { workspace, calls, requests } = createHouse();
  const { run, worker } = createWorld({ workspace });
  const { run: handle } = await run({ ...mixed(), context: { parentTicket: 'T-1' } });
  const all = [...worker.calls.map(({ request }) => request), ...requests];
  expect(all.map(({ stepId }) => stepId).sort()).toEqual(['a', 'b', 'synthesis']);
  expect(new Set(all.map(({ context }) => context.projectId))).toEqual(new Set(['project-1']));
  expect(new Set(all.map(({ context }) => context.teamId))).toEqual(new Set(['team-1']));
  expect(calls.find(({ hook }) => hook === 'createProject')?.request).toMatchObject({
    parentTicket: 'T-1',
    teamId: 'team-1',
    tickets: [
      { key: 'a', title: 'a' },
      { key: 'b', title: 'b' },
    ],
  });
  expect(handle.view()).toMatchObject({ teamId: 'team-1', projectId: 'project-1' });
});

it('CC-45 every step of a run has the same channel', async () => {
  const { run, worker } = createWorld();
  const context = { parentTicket: 'T-1', channel: 'c-7', repositories: ['api', 'web'] };
  await run(tickets(['a', ticket('b', { dependsOn: ['a'] })], { context, discussion: { instructions: 'Talk.' } }));
  expect(worker.calls.map(({ request }) => request.context.channel)).toEqual(['c-7', 'c-7', 'c-7', 'c-7']);
});

it('FO-03 the target repositories reach every request; none, which the contract allows, stay none', async () => {
  const { run, worker } = createWorld();
  await run(tickets(['a', 'b'], { context: { repositories: ['api', 'web'] } }));
  expect(worker.calls).toHaveLength(3);
  for (const { request } of worker.calls) expect(request.context.repositories).toEqual(['api', 'web']);
  await run(tickets(['a'], { context: { repositories: [] } }));
  expect(worker.calls.at(-1)?.request.context.repositories).toEqual([]);
});

it('CR-14 ticket, channel and run detail each see progress without asking', async () => {
  const seen = { ticket: [] as RunEvent[], channel: [] as RunEvent[], telemetry: [] as RunEvent[] };
  const workspace: Workspace = {
    updateTicket({ event, parentTicket }) {
      if (parentTicket === 'T-1') seen.ticket.push(event);
    },
    postToChannel({ event, channel }) {
      if (channel === 'c-1') seen.channel.push(event);
    },
  };
  const telemetry = { event: (event: RunEvent) => void seen.telemetry.push(event) };
  const script = { default: { progress: ['half way'] } };
  const { run } = createWorld({ workspace, telemetry, script });
  const { events } = await run(tickets(['a'], { context: { parentTicket: 'T-1', channel: 'c-1' } }));
  expect(typesOf(events)).toContain('step.progress');
  expect(seen).toEqual({ ticket: events, channel: events, telemetry: events });
});

it('two runs that hire agents of one id do not take them from each other', async () => {
  const make =
    (owner: string): AgentFunction =>
    async ({ stepId, runId }) => ({ output: { owner, own: owner === runId, stepId } });
  const workspace: Workspace = {
    hire: async ({ role, runId }) => ({ agentId: `hired-${role}`, agent: make(runId) }),
    release: async () => undefined,
  };
  const { start, end } = createWorld({ workspace, script: { default: { delayMs: 1_000 } } });
  const slow = await start(
    tickets([ticket('a', { role: 'worker' }), ticket('b', { role: 'writer', dependsOn: ['a'] })], {
      roles: [existing('worker'), hire('writer')],
    }),
  );
  const quick = await start(
    tickets([ticket('b', { role: 'writer' })], {
      roles: [existing('worker'), hire('writer')],
      synthesis: { role: 'writer', instructions: 'Write.', outputSchema: {} },
    }),
  );
  for (const run of [quick, slow]) {
    expect(await end(run)).toMatchObject({ status: 'completed', gaps: [] });
    expect(stepOf(run, 'b').output).toMatchObject({ owner: run.runId, own: true });
  }
});

const rotten = { hire: undefined, createTeam: undefined, createProject: undefined } as const;
const waysToBreak: readonly (readonly [string, () => never | Promise<never>])[] = [
  [
    'throws',
    () => {
      throw new Error('no');
    },
  ],
  ['rejects', () => Promise.reject(new Error('no'))],
  [
    'rejects with nothing',
    async () => {
      throw undefined as unknown;
    },
  ],
  ['never answers', never],
  ['answers with nothing', async () => undefined as never],
];
const broken = Object.keys(rotten).flatMap((hook) => waysToBreak.map(([how, call]) => ({ hook, how, call })));

it.each(broken)('a workspace whose $hook $how fails the run with a reason, and lets go whom it hired', async ({ hook, call }) => {
  const { workspace, calls, hooks } = createHouse({ [hook]: call });
  const { start, end, worker } = createWorld({ workspace });
  const run = await start(mixed());
  const result = await end(run);
  expect(result).toMatchObject({ status: 'failed', reason: 'provisioning_failed' });
  expect(result.error?.message.length).toBeGreaterThan(0);
  expect(worker.calls).toEqual([]);
  const released = calls.filter((one) => one.hook === 'release');
  expect(released).toHaveLength(hook === 'hire' ? 0 : 1);
  expect(hooks()).not.toContain('deliver');
});

it('lets go the first hire when the second cannot be made', async () => {
  const { workspace, calls } = createHouse();
  const picky: Workspace = {
    ...workspace,
    hire: async (request) => {
      if (request.role === 'zoologist') throw new Error('nobody applied');
      return workspace.hire!(request);
    },
  };
  const { start, end } = createWorld({ workspace: picky });
  const { error } = await end(await start({ ...mixed(), roles: [...mixed().roles, hire('zoologist')] }));
  expect(error?.message).toBe('Role "zoologist" could not be hired: the workspace\'s hire() failed: nobody applied');
  expect(calls.map(({ hook, request }) => [hook, request['role']])).toEqual([
    ['hire', 'writer'],
    ['release', 'writer'],
  ]);
});

it('a hire that comes too late is let go', async () => {
  const { workspace, calls } = createHouse();
  let giveAgent = (): void => undefined;
  const slow: Workspace = {
    ...workspace,
    hire: (request) => new Promise((resolve) => (giveAgent = () => resolve(workspace.hire!(request)))),
  };
  const { start, end, clock } = createWorld({ workspace: slow });
  const run = await start(mixed());
  expect(await end(run)).toMatchObject({ status: 'failed', error: { message: expect.stringContaining('60000 ms') as string } });
  giveAgent();
  await clock.advanceAsync(0);
  expect(calls.map(({ hook }) => hook)).toEqual(['hire', 'release']);
});

it.each(['updateTicket', 'postToChannel', 'release'] as const)(
  'a workspace whose %s throws, rejects or never answers does not touch the run',
  async (hook) => {
    for (const [, call] of waysToBreak) {
      const { workspace } = createHouse({ [hook]: call });
      const { run } = createWorld({ workspace });
      const { result } = await run({ ...mixed(), context: { parentTicket: 'T-1', channel: 'c-1' } });
      expect(result).toMatchObject({ status: 'completed', gaps: [] });
    }
  },
);

it('a workspace whose deliver never answers fails the run after three tries, within its limit', async () => {
  let tries = 0;
  const { workspace } = createHouse({ deliver: () => ((tries += 1), never()) });
  const { run, clock } = createWorld({ workspace, workspaceTimeoutMs: 5_000 });
  const { result } = await run(tickets(['a']));
  expect(result).toMatchObject({ status: 'failed', reason: 'delivery_failed' });
  expect(tries).toBe(3);
  expect(clock.now()).toBe(5_000 * 3 + 1_000 + 2_000);
});

it('does not deliver again what was cancelled meanwhile', async () => {
  let tries = 0;
  const { workspace } = createHouse({
    deliver: async () => {
      tries += 1;
      throw new Error('not yet');
    },
  });
  const { start, clock } = createWorld({ workspace });
  const run = await start(tickets(['a']));
  await clock.advanceAsync(500);
  expect(tries).toBe(1);
  await clock.runUntil(run.cancel({ reason: 'too late' }));
  await clock.advanceAsync(60_000);
  expect([tries, run.view().status]).toEqual([1, 'cancelled']);
});

it('telemetry that throws does not touch the run', async () => {
  const telemetry = {
    event: () => {
      throw new Error('no');
    },
  };
  expect((await createWorld({ telemetry }).run(tickets(['a']))).result.status).toBe('completed');
});

it('without a workspace that hires, the agent that goes by the role or the name fills in', async () => {
  const { run } = createWorld({ agents: { Copywriter: async () => ({ output: { by: 'Copywriter' } }) } });
  const { run: handle } = await run(mixed());
  expect(stepOf(handle, 'b').output).toEqual({ by: 'Copywriter' });
  expect(handle.view().hires).toEqual([]);
});

it('a role that nobody can fill is refused at the approval, by name', async () => {
  const { propose, approve, orchestrator } = createWorld();
  const proposed = await propose(mixed());
  await expect(approve(proposed)).rejects.toMatchObject({ code: 'HIRE_NOT_POSSIBLE', role: 'writer' });
  expect((await orchestrator.run(proposed.runId)).view().status).toBe('proposed');
});
