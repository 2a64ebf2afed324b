import { type AgentFunction, type AgentRequest, definePlan, type Json, type Plan, type Report, type Route } from 'planwright';
import { type CrashLife, type CrashSimulationOptions, expectNoCrashDamage, simulateCrashes } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { handoff, networked } from '../running/support/play-team.js';
import { delegate, finish, role, supervised, wait } from '../running/support/team.js';
import { ticket } from '../running/support/world.js';

const context = { context: { parentTicket: 'T-1' } } as const;
const reportsIn = ({ input }: AgentRequest): readonly Report[] => input['reports'] as unknown as readonly Report[];
const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

interface Answer {
  readonly output?: Json;
  readonly route?: Route;
  readonly choose?: string;
}

/** Agents that remember nothing from one call to the next, so that a lost process loses nothing with them. */
const agentsOf =
  (answers: Readonly<Record<string, (request: AgentRequest) => Answer>>, delayMs: Readonly<Record<string, number>> = {}) =>
  ({ clock, effects }: CrashLife): Readonly<Record<string, AgentFunction>> =>
    Object.fromEntries(
      Object.entries(answers).map(([id, answer]): [string, AgentFunction] => [
        id,
        async (request) => {
          const ms = delayMs[id];
          if (ms !== undefined) await new Promise<void>((resolve) => void clock.schedule(clock.now() + ms, resolve));
          const { output = null, ...rest } = answer(request);
          const made = await effects.apply(request.idempotencyKey, output);
          return { output: made, usage: { costUsd: 0.001 }, ...rest };
        },
      ]),
    );

const clerk = ({ input }: AgentRequest): Answer => ({ output: input });

/** Coder, then reviewer and auditor at once, then the coder again while the reviewer objects. The board is all that it knows. */
function lead(request: AgentRequest): Answer {
  const { done, inProgress } = request.input['board'] as unknown as { done: { role: string }[]; inProgress: Json[] };
  if (inProgress.length > 0) return { route: wait };
  const last = done.at(-1)?.role;
  const times = done.filter(({ role: who }) => who === 'coder').length;
  if (last === undefined) return { route: delegate(['coder', 'Write it.']) };
  if (last === 'coder') return { route: delegate(['reviewer', `Review ${times}.`], ['auditor', `Audit ${times}.`]) };
  return times < 2 ? { route: delegate(['coder', 'Mend it.']) } : finish(`done after ${times}`);
}
const byTask = ({ role: who, instructions }: AgentRequest): Answer => ({ output: `${who}: ${instructions}` });

/** What each peer does depends on what it was handed, and on what was reported to it. */
const peers = {
  a: (request: AgentRequest): Answer => {
    if (request.kind === 'delegation') return finish(`a for ${request.instructions}`);
    const reports = reportsIn(request);
    if (reports.length > 0)
      return {
        route: handoff(
          'b',
          reports
            .map(({ output }) => textOf(output))
            .sort()
            .join(),
        ),
      };
    return { route: delegate(['b', 'One.'], ['c', 'Two.']) };
  },
  b: ({ kind, instructions }: AgentRequest): Answer =>
    kind === 'handoff' ? { route: handoff('c', `${instructions}!`) } : { route: handoff('c', 'Mine is yours.') },
  c: ({ instructions }: AgentRequest): Answer => finish(`c: ${instructions}`),
};

/** Passes the second time. */
const checker = ({ input }: AgentRequest): Answer => ({
  output: textOf(input['result']).includes('again') ? { verified: true } : { verified: false, reasons: ['too short'] },
});
const maker = ({ input, stepId }: AgentRequest): Answer => ({
  output: input['rework'] === undefined ? stepId : `${stepId} again`,
});

function routed(): Plan {
  const step = (id: string, dependsOn: readonly string[]) => ({
    ...({ id, kind: 'ticket', role: 'clerk' } as const),
    instructions: `Do ${id}.`,
    dependsOn,
  });
  const planned = definePlan({
    goal: 'Route it.',
    ...context,
    roles: [role('clerk'), role('chooser')],
    steps: [
      step('read', []),
      {
        ...{ id: 'triage', kind: 'route', role: 'chooser', instructions: 'Which way?', dependsOn: ['read'] },
        retry: { attempts: 3, backoffMs: 10, factor: 1, maxBackoffMs: 10, jitter: 0 },
        routes: [{ when: { properties: { read: { const: 'obvious' } } }, to: ['fast'], reason: 'obvious' }],
      },
      step('fast', ['triage']),
      step('slow', ['triage']),
    ],
  });
  if (!planned.ok) throw new Error(JSON.stringify(planned.error));
  return planned.value;
}

const verify = { role: 'checker', instructions: 'Is it long enough? {{input.result}}' };
const verified = supervised([role('checker')], {
  ...context,
  tickets: [ticket('goal', { role: 'lead', verify })],
});

interface Story extends Pick<CrashSimulationOptions, 'proposal' | 'plan' | 'agents'> {
  readonly name: string;
  /** Text that the deliverable holds. */
  readonly made: string;
}

const stories: readonly Story[] = [
  {
    name: 'DD-11 HB-07 a supervisor with two workers at once and a review loop',
    proposal: supervised(['coder', 'reviewer', 'auditor'], context),
    agents: agentsOf({ lead, coder: byTask, reviewer: byTask, auditor: byTask, clerk }, { reviewer: 20, auditor: 30, coder: 5 }),
    made: 'done after 2',
  },
  {
    name: 'HB-21 peers that delegate, and hand over',
    proposal: networked(['a', 'b', 'c'], context),
    agents: agentsOf({ ...peers, clerk, judge: clerk }, { b: 10, c: 20 }),
    made: 'c: c: Mine is yours.,c: Two.!',
  },
  {
    name: 'HB-17 work that is checked, and done again',
    proposal: { ...verified, topology: { kind: 'graph' } },
    agents: agentsOf({ lead: maker, checker, clerk }, { lead: 10, checker: 10 }),
    made: 'goal/2 again',
  },
  {
    name: 'HB-25 a route whose rules do not hold, so that its agent is asked, and asked again',
    plan: routed(),
    agents: agentsOf(
      {
        clerk: ({ stepId }) => ({ output: `${stepId} made` }),
        chooser: ({ attempt }) => ({ route: { choose: attempt === 1 ? 'nowhere' : 'slow' } as unknown as Route }),
      },
      { chooser: 10 },
    ),
    made: 'slow made',
  },
];

describe('CC-22 HB-46: a process lost at every point of', () => {
  it.each(stories.map((story) => [story.name, story] as const))('%s', async (_, { name: _name, made, ...story }) => {
    const report = await simulateCrashes(story);
    expectNoCrashDamage(report);
    const { reference, runs } = report;
    expect(reference.status).toBe('completed');
    expect(runs).toBe(2 * (2 * reference.writes + 2 * reference.calls + reference.effects));
    expect([report.resumed, report.keysAppliedTwice, report.lostResults]).toEqual([runs, 0, 0]);
    expect(textOf(reference.deliverable)).toContain(made);
  });
});
