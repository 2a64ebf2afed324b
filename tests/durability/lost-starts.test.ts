import { expect, it, onTestFinished } from 'vitest';

import type { RunView } from 'planwright';

import { bundleScripts, openTheatre, storeIn } from './support/processes.js';
import type { ToldLine } from './support/witness.js';

const scripts = await bundleScripts();
const poison = { story: 'a pipeline', stepId: 'c' } as const;
const others = ['a graph', 'retries', 'steps in halves'];
/** The default of `createOrchestrator`. */
const maxLostStarts = 3;

const isTakenForCulprit = (line: ToldLine): boolean => {
  const event = line.type === 'hook' ? line.call.event : undefined;
  return event?.type === 'step.in-doubt' && event.error.code === 'LOST_STARTS';
};

it('CX-17 HB-42: a step that kills its process whenever it starts is parked, and takes no other run down with it', async () => {
  const stage = await openTheatre(scripts);
  onTestFinished(() => stage.close());
  const store = storeIn(stage.folder, 'sqlite');
  const task = { kind: 'serve', store, maxLostStarts, poison, pace: 0.5 } as const;
  let child = stage.start(task);
  const propose = async (story: string) => (await child.ask('propose', story)) as string;
  const poisoned = await propose(poison.story);
  const sound = await Promise.all(others.map(propose));
  // It may be gone before it answers.
  await Promise.all([poisoned, ...sound].map((runId) => child.ask('approve', runId).catch(() => undefined)));

  // A supervisor starts it again whenever it has died.
  let deaths = 0;
  const viewOf = async (runId: string) => (await child.ask('view', runId)) as RunView;
  const isParked = async (): Promise<boolean> =>
    (await viewOf(poisoned)).steps.some(({ id, status }) => id === poison.stepId && status === 'in-doubt');
  for (;;) {
    const outcome = await Promise.race([
      child.ended.then(() => 'died' as const),
      Promise.all(sound.map((runId) => child.ask('result', runId)))
        .then(isParked)
        .then((parked) => (parked ? ('parked' as const) : ('quiet' as const)))
        .catch(() => 'died' as const),
    ]);
    if (outcome === 'parked') break;
    if (outcome === 'quiet') continue;
    const { signal, errors } = await child.ended;
    expect([signal, errors]).toEqual(['SIGKILL', '']);
    deaths += 1;
    expect(deaths).toBeLessThanOrEqual(maxLostStarts);
    child = stage.start(task);
    await child.ask('recover').catch(() => undefined);
  }

  expect(deaths).toBe(maxLostStarts);
  const step = (await viewOf(poisoned)).steps.find(({ id }) => id === poison.stepId);
  expect(step).toMatchObject({ status: 'in-doubt', error: { code: 'LOST_STARTS', starts: maxLostStarts } });
  const calls = stage
    .lines()
    .filter((line) => line.type === 'call' && line.runId === poisoned && line.request.stepId === poison.stepId);
  expect(calls).toHaveLength(maxLostStarts);

  // The others have come to their end, and none of their steps was taken for the culprit.
  for (const runId of sound) {
    const { status, steps } = await viewOf(runId);
    expect(status).toBe('completed');
    expect(steps.map((step) => step.status)).toEqual(steps.map(() => 'succeeded'));
    expect(stage.lines().filter((line) => line.runId === runId && isTakenForCulprit(line))).toEqual([]);
  }

  // It goes on once somebody has said what became of the step.
  const decision = { approve: true, by: 'ada', output: { of: poison.stepId, sum: 3, missing: [] } };
  await child.ask('decide', poisoned, poison.stepId, JSON.stringify(decision));
  expect(await child.ask('result', poisoned)).toMatchObject({ status: 'completed', deliverable: { of: 'synthesis' } });
}, 120_000);
