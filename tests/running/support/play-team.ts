import type { AgentFunction, AgentRequest, OrchestrationProposal, Report, Role, RunEvent, StoredError, Ticket } from 'planwright';
import { proposalOf, type VirtualClock } from 'planwright/testing';

import { role } from './team.js';
import { createWorld, ticket, type World, type WorldOptions } from './world.js';

/** The time that agents live in. */
export type Time = Pick<VirtualClock, 'now' | 'sleep'>;
type Agents = Readonly<Record<string, AgentFunction>>;
type Cast = Agents | ((time: Time) => Agents);

const staff: Agents = {
  clerk: async ({ input }) => ({ output: input }),
  judge: async () => ({ output: 'judged', route: { finish: true } }),
};

/** An orchestrator in virtual time with these agents, and a clerk who makes the deliverable of what it is given. */
export function createTeam(cast: Cast, options: WorldOptions = {}): World {
  const stage: { world?: World } = {};
  const time: Time = {
    now: () => stage.world!.clock.now(),
    sleep: (delayMs, given) => stage.world!.clock.sleep(delayMs, given),
  };
  const agents = typeof cast === 'function' ? cast(time) : cast;
  const world = createWorld({ ...options, agents: { ...staff, ...agents } });
  stage.world = world;
  return world;
}

/** Runs a proposal with these agents to its end. */
export const playTeam = (cast: Cast, input: OrchestrationProposal) => createTeam(cast).run(input);

/** A proposal whose tickets are goals of peers, the first of which has control first. */
export function networked(
  peers: readonly (string | Role)[],
  {
    topology = {},
    tickets = [ticket('goal', { role: keyOf(peers[0]!), instructions: 'Reach the goal.' })],
    ...parts
  }: Omit<Partial<OrchestrationProposal>, 'topology' | 'tickets'> & {
    readonly topology?: Readonly<Record<string, unknown>>;
    readonly tickets?: readonly Ticket[];
  } = {},
): OrchestrationProposal {
  const keys = peers.map(keyOf);
  const roles = [...peers.map((peer) => (typeof peer === 'string' ? role(peer) : peer)), role('judge'), role('clerk')];
  return proposalOf(tickets, {
    roles,
    synthesis: { role: 'clerk', instructions: 'Put it together.', outputSchema: true },
    topology: { kind: 'network', entry: keys[0]!, peers: keys, ...topology },
    ...parts,
  });
}

const keyOf = (given: string | Role): string => (typeof given === 'string' ? given : given.key);

/** Hands control over. */
export const handoff = (to: string, task = `Go on, ${to}.`, input?: AgentRequest['input']) => ({
  handoff: { role: to, task, ...(input && { input }) },
});

/** What came of each delegation that a deciding step was told of, in order. */
export const outcomesOf = (reports: readonly Report[]): readonly (readonly [string, string])[] =>
  reports.map(({ delegationId, outcome }) => [delegationId, outcome]);

/** The error that stands in a report. */
export const errorIn = (report: Report | undefined): StoredError => report?.output as unknown as StoredError;

/** Ids of the steps that began, in order. */
export const startedIn = (events: readonly RunEvent[]): readonly string[] =>
  events.flatMap((event) => (event.type === 'step.started' ? [event.stepId] : []));

/** An agent that needs so much time for each call, then gives the next of its outputs, the last for all that follow. */
export function slowly(time: Time, ...outputs: readonly { readonly afterMs: number; readonly output: string }[]): AgentFunction {
  let calls = 0;
  return async (_, { signal }) => {
    const { afterMs, output } = outputs[Math.min(calls++, outputs.length - 1)]!;
    await time.sleep(afterMs, { signal });
    return { output };
  };
}
