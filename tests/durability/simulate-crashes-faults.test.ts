import type { AgentFunction } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import {
  type CrashExpectation,
  type CrashLife,
  type CrashReport,
  type CrashSimulationOptions,
  expectNoCrashDamage,
  simulateCrashes,
} from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { rejectionOf, ticket, tickets } from '../running/support/world.js';
import { createClerk } from './support/clerk.js';
import { createForgetfulStore, createHastyMedium } from './support/faulty-stores.js';
import { simulate } from './support/simulate.js';
import { stories, type Story } from './support/stories.js';

const graph = stories.find(({ name }) => name === 'a graph')!;
const named = (name: string): Story => stories.find((story) => story.name === name)!;
/** In place of an honest clerk, and with no probe. */
const withAgent = (create: (life: CrashLife) => AgentFunction): Partial<CrashSimulationOptions> => ({
  agents: (life) => ({ worker: create(life) }),
});
let made = 0;

/** What is wrong, the story that shows it, and what has to be found. */
const faults: Readonly<
  Record<string, { readonly story?: Story; readonly plant: Partial<CrashSimulationOptions>; readonly found: CrashExpectation }>
> = {
  'an agent that takes no notice of its key': {
    plant: withAgent(({ effects }) => async ({ stepId, idempotencyKey }) => ({
      output: { value: await effects.applyBlindly(idempotencyKey, stepId) },
    })),
    found: 'no-key-twice',
  },
  'an agent that makes up keys of its own': {
    plant: withAgent(({ effects }) => async ({ stepId }) => ({
      output: { value: await effects.apply(`made up ${(made += 1)}`, stepId) },
    })),
    found: 'same-effects',
  },
  'an agent that answers otherwise after a crash': {
    plant: withAgent(({ life }) => async () => ({ output: { life } })),
    found: 'same-deliverable',
  },
  'an agent that gives up after a crash': {
    plant: withAgent(({ life }) => async () => {
      if (life > 1) throw new TypeError('It knows nothing of this.');
      return { output: {} };
    }),
    found: 'same-status',
  },
  'a step in doubt that nobody answers for': {
    plant: { ...withAgent(() => async () => ({ output: {} })), decide: () => undefined },
    found: 'ends',
  },
  'a store that answers before it has stored': { plant: { store: createHastyMedium }, found: 'keeps-results' },
  'a result that is forgotten': {
    plant: { store: () => createForgetfulStore(({ type }) => type === 'step.succeeded') },
    found: 'keeps-results',
  },
  'a start that is forgotten': {
    plant: { store: () => createForgetfulStore((entry) => entry.type === 'step.started' && entry.stepId === 'c') },
    found: 'no-second-start',
  },
  'a team that is forgotten': {
    plant: { store: () => createForgetfulStore(({ type }) => type === 'team.created') },
    found: 'sets-up-once',
  },
  'a delivery that is forgotten': {
    plant: { store: () => createForgetfulStore(({ type }) => type === 'run.delivered') },
    found: 'lands-once',
  },
  'a failure that is forgotten': {
    story: named('a failure that ends the run'),
    plant: {
      store: () => createForgetfulStore(({ type }) => type === 'step.failed'),
      agents: ({ clock, effects, life }) => ({
        worker: createClerk({ clock, effects, behaviours: life === 1 ? named('a failure that ends the run').behaviours! : {} }),
      }),
    },
    found: 'same-status',
  },
  'an undoing that is forgotten': {
    story: named('compensations after a failure'),
    plant: { store: () => createForgetfulStore((entry) => entry.type === 'step.succeeded' && entry.attempt > 1) },
    found: 'keeps-results',
  },
};

describe('a simulation finds', () => {
  it.each(Object.entries(faults))('%s', async (_, { story = graph, plant, found }) => {
    const report = await simulate(story, { ...plant, maxFailures: 1_000 });
    expect(report.failures.map(({ expectation }) => expectation)).toContain(found);
    expect(() => {
      expectNoCrashDamage(report);
    }).toThrow(/at: \[/);
  });
});

it('a failure names the one way to crash that shows it again', async () => {
  const plant = faults['an agent that takes no notice of its key']!.plant;
  const { failures } = await simulate(graph, { ...plant, seed: 7 });
  const [{ at, seed, ...damage }] = failures as [CrashReport['failures'][number]];
  expect(seed).toBe(7);
  const again = await simulate(graph, { ...plant, seed, at });
  expect(again.runs).toBe(1);
  expect(again.failures[0]).toEqual({ ...damage, at, seed });
  expect((await simulate(graph, { at })).failures).toEqual([]);
});

it('the same seed crashes at the same points, and another at others', async () => {
  const figures = async (seed: number) => {
    const report = await simulate(graph, { at: 10, seed, ...withAgent(({ life }) => async () => ({ output: { life } })) });
    return report.failures.map(({ at }) => at);
  };
  const first = await figures(1);
  expect(first.length).toBeGreaterThan(0);
  expect(await figures(1)).toEqual(first);
  expect(await figures(2)).not.toEqual(first);
});

it('what a run cannot keep may be left out, and no more is tried than anyone wants to see', async () => {
  const { plant } = faults['an agent that answers otherwise after a crash']!;
  expect((await simulate(graph, { ...plant, maxFailures: 2 })).failures).toHaveLength(2);
  expect((await simulate(graph, { ...plant, ignore: ['same-deliverable'] })).failures).toEqual([]);
});

it('a person who says that it has not happened gets what was asked for', async () => {
  const proposal = tickets([ticket('a', { effect: 'once' }), 'b']);
  const report = await simulateCrashes({
    proposal,
    // Nobody can be asked, so the person looks.
    agents: ({ effects }) => ({
      worker: async ({ stepId, idempotencyKey }) => ({ output: await effects.applyBlindly(idempotencyKey, stepId) }),
    }),
    decide: ({ status, effect }) =>
      status === 'gated' || !effect ? { approve: false, by: 'ada' } : { approve: true, by: 'ada', output: effect.value },
    // The other two do it again, blindly.
    ignore: ['no-key-twice'],
  });
  expectNoCrashDamage(report);
  expect(report.secondStarts).toBe(0);
});

it('a run that ends in nothing, even without a crash, is refused', async () => {
  const error = await rejectionOf(simulate(named('gates'), { decide: () => undefined }));
  expect(error).toMatchObject({ code: 'CRASH_SIMULATION', cause: { code: 'VIRTUAL_TIME_STALLED' } });
  const act = { after: { type: 'step.started', stepId: 'nobody' }, do: 'pause' } as const;
  expect((await rejectionOf(simulate(graph, { acts: [act] })))['message']).toContain('act 1 (pause, after step.started nobody)');
});

it('a store that is given as it is lasts over all lives, and is closed at the end', async () => {
  let open = 0;
  const store = () => {
    const inner = createMemoryStore();
    open += 1;
    return { ...inner, close: () => inner.close().then(() => void (open -= 1)) };
  };
  expectNoCrashDamage(await simulate(graph, { store, at: 5 }));
  expect(open).toBe(0);
});
