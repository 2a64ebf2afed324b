import type {
  AgentContext,
  AgentFunction,
  AgentRequest,
  AgentResult,
  Json,
  OrchestrationProposal,
  Report,
  Role,
  Route,
  Ticket,
} from 'planwright';
import { proposalOf } from 'planwright/testing';

import { ticket } from './world.js';

/** A role that an agent of the same name fills. */
export const role = (key: string, parts: Partial<Role> = {}): Role => ({ key, kind: 'existing', agentId: key, ...parts }) as Role;

/** A proposal whose tickets are goals of a supervisor `lead` and its workers. */
export function supervised(
  workers: readonly (string | Role)[],
  {
    topology = {},
    tickets = [ticket('goal', { role: 'lead', instructions: 'Reach the goal.' })],
    ...parts
  }: Partial<Omit<OrchestrationProposal, 'topology' | 'tickets'>> & {
    readonly topology?: Readonly<Record<string, Json>>;
    readonly tickets?: readonly Ticket[];
  } = {},
): OrchestrationProposal {
  const roles = [role('lead'), ...workers.map((worker) => (typeof worker === 'string' ? role(worker) : worker)), role('clerk')];
  return proposalOf(tickets, {
    roles,
    synthesis: { role: 'clerk', instructions: 'Put it together.', outputSchema: true },
    topology: {
      kind: 'supervisor-worker',
      supervisor: 'lead',
      workers: workers.map((worker) => (typeof worker === 'string' ? worker : worker.key)),
      ...topology,
    },
    ...parts,
  });
}

/** What an agent that decides sees. */
export interface Briefed extends AgentRequest {
  readonly reports: readonly Report[];
  readonly board: Readonly<Record<string, Json>> & {
    readonly done: readonly { readonly delegationId: string; readonly role: string; readonly task: string }[];
    readonly inProgress: readonly { readonly delegationId: string }[];
    readonly next: readonly { readonly delegationId: string }[];
  };
}

export type Answer = Route | { readonly route?: Route; readonly output?: Json } | string | number | null;

export interface Decider {
  readonly agent: AgentFunction;
  /** Every request that it got, in order. */
  readonly asked: Briefed[];
}

/** An agent that decides by a script: one answer for each time that it is asked, the last for all that follow. */
export function decider(
  ...script: readonly (Answer | ((request: Briefed, context: AgentContext) => Answer | Promise<Answer>))[]
): Decider {
  const asked: Briefed[] = [];
  const agent: AgentFunction = async (request, context) => {
    const { reports = [], board = {} } = request.input as Record<string, Json>;
    const briefed = { ...request, reports, board } as unknown as Briefed;
    asked.push(briefed);
    const answer = script[Math.min(asked.length, script.length) - 1]!;
    const given = typeof answer === 'function' ? await answer(briefed, context) : answer;
    if (typeof given === 'object' && given !== null && ('route' in given || 'output' in given)) return given as AgentResult;
    return { output: { decided: asked.length }, route: given as Route };
  };
  return { agent, asked };
}

export const finish = (output: Json = 'done'): { readonly route: Route; readonly output: Json } => ({
  route: { finish: true },
  output,
});
export const delegate = (...assignments: readonly (readonly [role: string, task?: string, input?: Json])[]): Route => ({
  delegate: assignments.map(([to, task = `Do it, ${to}.`, input]) => ({ role: to, task, ...(input !== undefined && { input }) })),
});
export const wait: Route = { delegate: [] };

/** An agent that answers at once, and remembers what it was asked. */
export function recorder(output: Json = 'made'): { readonly agent: AgentFunction; readonly asked: AgentRequest[] } {
  const asked: AgentRequest[] = [];
  return { asked, agent: async (request) => (asked.push(request), { output }) };
}
