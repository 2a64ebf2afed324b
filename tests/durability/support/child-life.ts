import { type Clock, type Orchestrator, type Run, systemClock } from 'planwright';

import { createEffectRecord } from '../../../src/core/testing/crash-ledger.js';
import { createCrashUser } from '../../../src/core/testing/crash-user.js';
import type { ChildFault, ChildTask } from './child-task.js';
import { pause } from './house.js';
import { stories, type Story } from './stories.js';
import type { WitnessLine } from './witness.js';

export interface Scene {
  readonly orchestrator: Orchestrator;
  readonly task: ChildTask;
  readonly tell: (line: WitnessLine) => void;
}

const ada = { kind: 'user', id: 'ada' } as const;
/** A person who waits keeps no process. */
const patient: Clock = {
  ...systemClock,
  schedule: (dueAt, callback) => systemClock.schedule(dueAt, callback, { background: true }),
};

/** Sees to it that there is a run of every story, and that every one comes to its end and has nothing left to do. */
export async function live(scene: Scene): Promise<void> {
  const { orchestrator, task } = scene;
  const known = new Map((await orchestrator.list({ limit: 1_000 })).map(({ goal, runId }) => [goal, runId]));
  const chosen = stories.filter(({ name }) => task.stories?.includes(name) ?? true);
  const open = async (story: Story): Promise<Run | undefined> => {
    const runId = known.get(story.name);
    return runId === undefined ? undefined : orchestrator.run(runId);
  };
  if (task.approvesFirst) await Promise.all(chosen.map(async (story) => approve(await open(story), story, scene)));
  await orchestrator.recover();
  await Promise.all(
    chosen.map(async (story) => {
      const run = (await open(story)) ?? (await propose(story, scene));
      attend(run, story, scene);
      await approve(run, story, scene);
      const { status, deliverable = null, gaps } = await run.result();
      scene.tell({ type: 'ended', runId: run.runId, story: story.name, result: { status, deliverable, gaps } });
    }),
  );
  while ((await orchestrator.list({ open: true })).length > 0) await pause(systemClock, 10);
}

export async function propose(story: Story, { orchestrator, tell }: Scene): Promise<Run> {
  const { runId, plan } = await (story.plan ? orchestrator.proposePlan(story.plan) : orchestrator.propose(story.proposal));
  tell({ type: 'proposed', runId, story: story.name, plan });
  return orchestrator.run(runId);
}

/** Approves, also what may have been approved before: who got no answer cannot tell. */
export async function approve(run: Run | undefined, { steps }: Story, { orchestrator }: Scene): Promise<void> {
  if (!run) return;
  const { revision, digest, status } = run.view();
  if (status !== 'proposed' && status !== 'approved') return;
  await orchestrator.approve(run.runId, { revision, digest, approvedBy: ada, ...(steps && { steps }) });
}

/** Does what the story has a person do, and opens gates. Steps in doubt are left to their probe. */
export function attend(run: Run, { acts = [], steps }: Story, { task: { pace = 0.1 }, tell, orchestrator }: Scene): void {
  const user = createCrashUser({
    acts: acts.map((act) => ({ ...act, delayMs: (act.delayMs ?? 0) * pace })),
    decide: ({ stepId, status }) =>
      status === 'in-doubt' || steps?.includes(stepId) === false ? undefined : { approve: true, by: 'ada' },
    world: { calls: [], effects: createEffectRecord() },
  });
  user.attend(run, { life: { clock: patient }, orchestrator });
  run.result().catch((error: unknown) => tell({ type: 'halted', runId: run.runId, ...faultOf(error) }));
}

export function faultOf(error: unknown): ChildFault {
  const { code = '', message, cause } = error as { readonly code?: string; readonly message: string; readonly cause?: unknown };
  const { code: causeCode = '' } = (cause ?? {}) as { readonly code?: string };
  return { code, cause: causeCode, message };
}
