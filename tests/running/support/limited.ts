import {
  type AgentContext,
  type AgentRequest,
  createOrchestrator,
  type OrchestrationProposal,
  type Orchestrator,
  planProposal,
  type Run,
  type RunEvent,
  ThrottledError,
} from 'planwright';
import {
  createSequentialIds,
  createVirtualClock,
  type Outcomes,
  outcomesArbitrary,
  proposalArbitrary,
  scriptedAgent,
  scriptOf,
  type VirtualClock,
} from 'planwright/testing';
import fc from 'fast-check';

import { ada } from './world.js';

/** A span in which something was at work: an attempt, or a call of a resource within one. */
export interface Stay {
  readonly runId: string;
  readonly stepId: string;
  readonly role: string;
  /** `undefined` for an attempt. */
  readonly call: string | undefined;
  /** What it holds of each resource meanwhile; 0 for a call of what its step holds. */
  readonly holds: ReadonlyMap<string, number>;
  readonly startedAt: number;
  endedAt: number;
}

/** What is drawn for one law: a plan, how often it is run at once, and how its agents behave. */
export interface Limited {
  readonly proposal: OrchestrationProposal;
  readonly outcomes: Outcomes;
  readonly runs: number;
  readonly concurrency: number;
  /** Every so many calls the provider asks for a pause; 0 for never. */
  readonly throttles: number;
  /** How much time passes between two looks, in milliseconds. */
  readonly strideMs: number;
}

/** Runs that wait for resources, roles, the process, gates, retries and each other. */
export const limitedArbitrary: fc.Arbitrary<Limited> = fc.record({
  proposal: proposalArbitrary({ maxTickets: 10, hostileKeys: false, budgets: false, gates: true }),
  outcomes: outcomesArbitrary({ maxDelayMs: 2_000 }),
  runs: fc.integer({ min: 1, max: 3 }),
  concurrency: fc.integer({ min: 1, max: 8 }),
  throttles: fc.constantFrom(0, 0, 3, 5),
  strideMs: fc.integer({ min: 100, max: 1_500 }),
});

export interface Stage {
  readonly clock: VirtualClock;
  readonly orchestrator: Orchestrator;
  readonly runs: readonly Run[];
  readonly stays: readonly Stay[];
  /** Lets time go on in strides, each to where nothing stirs, until all runs have ended. */
  toTheEnd(look: () => void): Promise<void>;
}

/** Starts the runs. `onEvent` hears of each event at once. */
export async function setStage(
  { proposal, outcomes, runs: count, concurrency, throttles, strideMs }: Limited,
  onEvent: (run: Run, event: RunEvent) => void = () => undefined,
): Promise<Stage> {
  const clock = createVirtualClock({ startAt: 0 });
  const stays: Stay[] = [];
  const planned = planProposal(proposal);
  if (!planned.ok) throw new Error('The proposal cannot be planned.');
  const script = scriptedAgent(scriptOf(planned.value.steps, outcomes), { clock });
  const stepOf = new Map(planned.value.steps.map((step) => [step.id, step]));
  const names = Object.keys(proposal.resources ?? {});
  const during = async <T>(stay: Omit<Stay, 'startedAt' | 'endedAt'>, work: () => Promise<T>): Promise<T> => {
    const kept: Stay = { ...stay, startedAt: clock.now(), endedAt: Infinity };
    stays.push(kept);
    try {
      return await work();
    } finally {
      kept.endedAt = clock.now();
    }
  };
  let calls = 0;
  const agent = (request: AgentRequest, context: AgentContext) => {
    const { runId, stepId, kind } = request;
    // What undoes a step stands in its lines.
    const role = stepOf.get(stepId)?.role ?? request.role;
    const holds = new Map(stepOf.get(stepId)?.resources.map(({ name, amount }) => [name, amount]));
    return during({ runId, stepId, role, call: undefined, holds }, async () => {
      const name = names[stepId.length % (names.length + 1)];
      if (name !== undefined && kind !== 'compensation') {
        const held = new Map([[name, holds.has(name) ? 0 : 1]]);
        await context.call(name, (signal) =>
          during({ runId, stepId, role, call: name, holds: held }, async () => {
            calls += 1;
            if (throttles > 0 && calls % throttles === 0) throw new ThrottledError({ retryAfterMs: 700 });
            await clock.sleep(300, { signal });
          }),
        );
      }
      return script(request, context);
    });
  };
  const existing = proposal.roles.flatMap((role) => (role.kind === 'existing' ? [[role.agentId, agent] as const] : []));
  const known = new Map<string, Run>();
  /** What telemetry throws touches nothing, so it is kept here. */
  const faults: unknown[] = [];
  const clerk = (run: Run, event: RunEvent): void => {
    // Somebody who takes his time.
    if (event.type !== 'step.gated' && event.type !== 'step.in-doubt') return;
    clock.schedule(clock.now() + 400, () => void run.decide(event.stepId, { approve: event.type === 'step.gated', by: 'ada' }));
  };
  const orchestrator = createOrchestrator({
    ...{ clock, concurrency, ids: createSequentialIds(), agents: Object.fromEntries(existing) },
    workspace: { hire: async ({ role }) => ({ agentId: `hired ${role}`, agent }) },
    telemetry: {
      event(event) {
        const run = known.get(event.runId);
        if (!run) return;
        clerk(run, event);
        try {
          onEvent(run, event);
        } catch (error) {
          faults.push(error);
        }
      },
    },
  });
  const proposals = await clock.runUntil(Promise.all(Array.from({ length: count }, () => orchestrator.propose(proposal))));
  for (const { runId } of proposals) known.set(runId, await orchestrator.run(runId));
  const runs = await clock.runUntil(
    Promise.all(
      proposals.map(({ runId, revision, digest }) => orchestrator.approve(runId, { revision, digest, approvedBy: ada })),
    ),
  );
  return {
    ...{ clock, orchestrator, runs, stays },
    async toTheEnd(look) {
      let left = runs.length;
      for (const run of runs) void run.result().then(() => (left -= 1));
      for (let strides = 0; left > 0; strides += 1) {
        if (strides > 5_000)
          throw new Error(`Runs have not ended at ${clock.now()}: ${JSON.stringify(runs.map((run) => run.view().steps))}`);
        await clock.advanceAsync(strideMs);
        look();
        if (faults.length > 0) throw faults[0];
      }
      await clock.runUntil(orchestrator.close());
    },
  };
}

/** How much of what was at work holds something at a moment. */
export const heldAt = (stays: readonly Stay[], at: number, amountOf: (stay: Stay) => number): number =>
  stays.reduce((sum, stay) => (stay.startedAt <= at && stay.endedAt > at ? sum + amountOf(stay) : sum), 0);
