import { definePlan, type OrchestrationProposal, type Plan, type RunStatus, type Ticket } from 'planwright';
import type { CrashAct } from 'planwright/testing';

import type { Behaviour, ClerkOptions } from './clerk.js';

/** A run to be crashed: what is proposed, how it goes, and how it must end. */
export interface Story extends Pick<ClerkOptions, 'behaviours' | 'blind' | 'harmless'> {
  readonly name: string;
  /** What of features.md it shows. */
  readonly ids?: string;
  readonly proposal?: OrchestrationProposal;
  readonly plan?: Plan;
  readonly acts?: readonly CrashAct[];
  /** The part that is approved at first. */
  readonly steps?: readonly string[];
  readonly status: RunStatus;
}

const parent = { context: { parentTicket: 'T-1' } } as const;
const ticket = (key: string, parts: Partial<Ticket> = {}): Ticket => ({
  key,
  title: key,
  role: 'worker',
  instructions: `Do ${key}.`,
  ...parts,
});
const tickets = (given: readonly Ticket[], parts: Partial<OrchestrationProposal> = {}): OrchestrationProposal => ({
  schemaVersion: 1,
  goal: '',
  roles: [{ key: 'worker', kind: 'existing', agentId: 'worker' }],
  tickets: given,
  topology: { kind: 'graph' },
  synthesis: { role: 'worker', instructions: 'Put everything together.', outputSchema: { type: 'object' } },
  ...parent,
  ...parts,
});

/** A diamond: one step that may run again, one that knows its key, one that must never run twice. */
const diamond = [
  ticket('a', { effect: 'none' }),
  ticket('b', { dependsOn: ['a'], effect: 'idempotent' }),
  ticket('c', { dependsOn: ['a'], effect: 'once' }),
  ticket('d', { dependsOn: ['b', 'c'] }),
];
const diamondEffects = { blind: ['c'], harmless: ['a'] } as const;
const slow = (...steps: readonly string[]): Record<string, Behaviour> =>
  Object.fromEntries(steps.map((step, place) => [step, { delayMs: 400 + 100 * place }]));

const compensation = { role: 'worker', instructions: 'Undo it.' };
const retry = { attempts: 3, backoffMs: 60, factor: 2, maxBackoffMs: 30_000, jitter: 0 };

/** Plans of every topology there is, and of everything that can come in between. The goal of each is its name. */
export const stories: readonly Story[] = list().map(({ proposal, ...story }) => ({
  ...story,
  ...(proposal && { proposal: { ...proposal, goal: story.name } }),
}));

function list(): Story[] {
  return [
    {
      name: 'a single ticket',
      proposal: tickets([ticket('a', { effect: 'once' })], { topology: { kind: 'single' } }),
      blind: ['a'],
      status: 'completed',
    },
    {
      name: 'a pipeline',
      proposal: tickets([ticket('a'), ticket('b', { effect: 'once' }), ticket('c')], { topology: { kind: 'pipeline' } }),
      behaviours: slow('b', 'c'),
      blind: ['b'],
      status: 'completed',
    },
    { name: 'a graph', proposal: tickets(diamond), behaviours: slow('b', 'c'), ...diamondEffects, status: 'completed' },
    {
      name: 'steps in halves',
      ids: 'HB-33',
      proposal: tickets([ticket('a'), ticket('b')]),
      behaviours: { a: { halves: true, delayMs: 100 }, b: { halves: true } },
      status: 'completed',
    },
    {
      name: 'research and two rounds of discussion',
      proposal: tickets([ticket('a', { role: 'writer' })], {
        roles: [
          { key: 'worker', kind: 'existing', agentId: 'worker' },
          { key: 'writer', kind: 'existing', agentId: 'worker' },
        ],
        research: { role: 'worker', instructions: 'Look it up.' },
        discussion: { instructions: 'What do you think?', rounds: 2 },
      }),
      status: 'completed',
    },
    {
      name: 'gates',
      ids: 'HB-34',
      proposal: tickets([
        ticket('a', { gate: { kind: 'before', prompt: 'Now?' } }),
        ticket('b', { dependsOn: ['a'], gate: { kind: 'before', prompt: 'And now?' }, effect: 'once' }),
      ]),
      blind: ['b'],
      status: 'completed',
    },
    {
      name: 'retries',
      proposal: tickets([ticket('a', { retry }), ticket('b', { dependsOn: ['a'], retry })]),
      behaviours: { a: { fails: 2 }, b: { fails: 1, delayMs: 100 }, synthesis: { delayMs: 10 } },
      status: 'completed',
    },
    {
      name: 'tickets that fail, and a gap for them',
      proposal: tickets([ticket('a'), ticket('b'), ticket('c', { dependsOn: ['b'] })]),
      behaviours: { b: { fails: 'always' } },
      status: 'completed',
    },
    {
      name: 'a failure that ends the run',
      proposal: tickets([
        ticket('a'),
        ticket('b', { dependsOn: ['a'], onFailure: 'fail-run' }),
        ticket('c', { dependsOn: ['b'] }),
      ]),
      behaviours: { b: { fails: 'always', delayMs: 50 } },
      status: 'failed',
    },
    {
      name: 'nothing but failures',
      proposal: tickets([ticket('a'), ticket('b')]),
      behaviours: { a: { fails: 'always' }, b: { fails: 'always' } },
      status: 'failed',
    },
    {
      name: 'a ceiling that is reached',
      proposal: tickets([ticket('a'), ticket('b', { dependsOn: ['a'] })], { budget: { maxCostUsd: 0.5 } }),
      behaviours: { a: { costUsd: 0.6 } },
      status: 'failed',
    },
    {
      name: 'a part that is approved first',
      ids: 'CX-10',
      proposal: tickets([ticket('a'), ticket('b', { dependsOn: ['a'] }), ticket('c')]),
      steps: ['a'],
      acts: [{ after: { type: 'step.succeeded', stepId: 'a' }, delayMs: 1_000, do: 'approve-steps', steps: ['b', 'c'] }],
      status: 'completed',
    },
    {
      name: 'a pause',
      ids: 'FO-18 FO-19',
      proposal: tickets(diamond),
      behaviours: slow('b', 'c', 'd'),
      ...diamondEffects,
      acts: [
        { after: { type: 'step.started', stepId: 'b' }, delayMs: 50, do: 'pause' },
        { after: { type: 'run.paused' }, delayMs: 5_000, do: 'resume' },
      ],
      status: 'completed',
    },
    {
      name: 'a cancellation',
      ids: 'CC-39 CC-49',
      proposal: tickets(diamond),
      behaviours: { ...slow('b', 'c'), d: { delayMs: 60_000 } },
      ...diamondEffects,
      acts: [{ after: { type: 'step.started', stepId: 'd' }, delayMs: 1_000, do: 'cancel', reason: 'Enough.' }],
      status: 'cancelled',
    },
    {
      name: 'compensations after a failure',
      ids: 'HB-35',
      proposal: tickets([
        ticket('a', { compensation, effect: 'once' }),
        ticket('b', { dependsOn: ['a'], compensation }),
        ticket('c', { dependsOn: ['b'], onFailure: 'fail-run' }),
      ]),
      behaviours: { c: { fails: 'always' } },
      blind: ['a'],
      status: 'failed',
    },
    {
      name: 'compensations after a cancellation',
      ids: 'HB-35',
      proposal: tickets([
        ticket('a', { compensation }),
        ticket('b', { dependsOn: ['a'], compensation, effect: 'once' }),
        ticket('c', { dependsOn: ['b'] }),
      ]),
      behaviours: { a: { delayMs: 20 }, c: { delayMs: 60_000 } },
      blind: ['b'],
      acts: [{ after: { type: 'step.started', stepId: 'c' }, delayMs: 1_000, do: 'cancel' }],
      status: 'cancelled',
    },
    {
      name: 'hires, a team and a project',
      ids: 'CC-27 CC-30 CR-10',
      proposal: tickets([ticket('a', { role: 'writer' }), ticket('b')], {
        roles: [
          { key: 'worker', kind: 'existing', agentId: 'worker' },
          { key: 'writer', kind: 'hire', hire: { name: 'Writer' } },
        ],
      }),
      status: 'completed',
    },
    { name: 'routes and reducers, by hand', plan: routed(), blind: ['dear'], status: 'completed' },
  ];
}

function routed(): Plan {
  const plan = definePlan({
    goal: 'routes and reducers, by hand',
    roles: [{ key: 'worker', kind: 'existing', agentId: 'worker' }],
    context: { parentTicket: 'T-1' },
    steps: [
      { id: 'look', kind: 'ticket', role: 'worker', instructions: 'Look.' },
      {
        id: 'choose',
        kind: 'route',
        dependsOn: ['look'],
        routes: [
          { when: { properties: { look: { properties: { sum: { const: 1 } } } } }, to: ['dear'], reason: 'It is small.' },
          { to: ['cheap'], reason: 'It is large.' },
        ],
      },
      {
        id: 'dear',
        kind: 'ticket',
        role: 'worker',
        instructions: 'Do it well.',
        dependsOn: ['choose'],
        input: ['look'],
        effect: 'once',
      },
      { id: 'cheap', kind: 'ticket', role: 'worker', instructions: 'Do it fast.', dependsOn: ['choose'], input: ['look'] },
      { id: 'other', kind: 'ticket', role: 'worker', instructions: 'Do the other.', dependsOn: ['look'] },
      { id: 'join', kind: 'reduce', reducer: 'collect', dependsOn: ['dear', 'other'], join: 'all-settled' },
      {
        id: 'last',
        kind: 'synthesis',
        phase: 'synthesis',
        role: 'worker',
        instructions: 'Sum up.',
        dependsOn: ['join', 'dear', 'other'],
      },
    ],
  });
  if (!plan.ok) throw new TypeError(JSON.stringify(plan.error));
  return plan.value;
}
