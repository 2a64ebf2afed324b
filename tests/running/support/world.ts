import {
  type Approval,
  createOrchestrator,
  type OrchestrationProposal,
  type Orchestrator,
  type OrchestratorOptions,
  type Proposed,
  type Run,
  type RunEvent,
  type RunResult,
  type Ticket,
} from 'planwright';
import {
  type AgentScript,
  createSequentialIds,
  createVirtualClock,
  proposalOf,
  type ScriptedAgent,
  scriptedAgent,
  type VirtualClock,
} from 'planwright/testing';

export const ada = { kind: 'user', id: 'ada' } as const;

/** An orchestrator in virtual time, with one scripted agent, `worker`, besides those that a test brings. */
export interface World {
  readonly clock: VirtualClock;
  readonly orchestrator: Orchestrator;
  readonly worker: ScriptedAgent;
  propose(input: unknown): Promise<Proposed>;
  approve(proposed: Proposed, approval?: Partial<Approval>): Promise<Run>;
  /** Proposes and approves. */
  start(input: unknown): Promise<Run>;
  /** Lets time go on until the run has ended. */
  end(run: Run): Promise<RunResult>;
  /** Starts a run and lets it end. */
  run(input: unknown): Promise<{ readonly run: Run; readonly result: RunResult; readonly events: readonly RunEvent[] }>;
}

export interface WorldOptions extends Omit<Partial<OrchestratorOptions>, 'clock'> {
  /** Default: one that starts at 0. */
  readonly clock?: VirtualClock;
  readonly script?: AgentScript;
}

export function createWorld({
  script = {},
  agents = {},
  clock = createVirtualClock({ startAt: 0 }),
  ...options
}: WorldOptions = {}): World {
  const worker = scriptedAgent(script, { clock });
  const orchestrator = createOrchestrator({ clock, ids: createSequentialIds(), agents: { worker, ...agents }, ...options });
  const world: World = {
    clock,
    orchestrator,
    worker,
    propose: (input) => clock.runUntil(orchestrator.propose(input)),
    approve: ({ runId, revision, digest }, approval) =>
      clock.runUntil(orchestrator.approve(runId, { revision, digest, approvedBy: ada, ...approval })),
    start: async (input) => world.approve(await world.propose(input)),
    end: (run) => clock.runUntil(run.result()),
    async run(input) {
      const run = await world.start(input);
      const result = await world.end(run);
      return { run, result, events: await eventsOf(run) };
    },
  };
  return world;
}

/** Every event of a run, to its end. */
export async function eventsOf(run: Run, after = 0): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of run.events({ after })) events.push(event);
  return events;
}

export const ticket = (key: string, parts: Partial<Ticket> = {}): Ticket => ({
  key,
  title: key,
  role: 'worker',
  instructions: `Do ${key}.`,
  ...parts,
});

/** A proposal of tickets without dependencies, by key, or as they are given. */
export const tickets = (
  given: readonly (string | Ticket)[],
  parts: Parameters<typeof proposalOf>[1] = {},
): OrchestrationProposal =>
  proposalOf(
    given.map((one) => (typeof one === 'string' ? ticket(one) : one)),
    parts,
  );

export const stepOf = (run: Run, id: string) => run.view().steps.find((step) => step.id === id)!;
export const typesOf = (events: readonly RunEvent[]): string[] => events.map(({ type }) => type);

/** What a promise rejected with; fails the test when it didn't. */
export async function rejectionOf(promise: Promise<unknown>): Promise<{ readonly code: string } & Record<string, unknown>> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  if (!outcome) throw new Error('It did not reject.');
  return outcome.error as { readonly code: string } & Record<string, unknown>;
}
