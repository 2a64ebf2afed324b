import type { Approval } from '../approval/approve-plan.js';
import type { Plan } from '../ports/plan.js';
import type { JournalEntry } from '../ports/run.js';
import type { RunStore } from '../ports/store.js';
import type { Workspace } from '../ports/workspace.js';
import type { Orchestrator } from '../runtime/create-orchestrator.js';
import { isTerminal } from '../runtime/is-terminal.js';
import type { OrchestratorOptions } from '../runtime/orchestrator-options.js';
import type { Run, RunResult } from '../runtime/run-handle.js';
import type { RunView } from '../views/run-view.js';
import { type CrashAgents, createLifeGuards } from './crash-guards.js';
import { type CrashLife, createLifeSpan, type LifeSpan } from './crash-life.js';
import type { CrashSchedule, LifeFigures } from './crash-points.js';
import { type CrashAct, type CrashUser, createCrashUser, type Decide } from './crash-user.js';
import { createCrashWorld, type CrashWorld } from './crash-world.js';
import { createSequentialIds } from './sequential-ids.js';
import { createVirtualClock } from './virtual-clock.js';

/** Where the runs of one simulation are kept. Each life opens it anew; what was opened is closed once its life is over. */
export interface CrashMedium {
  open(): RunStore | Promise<RunStore>;
}

/** All that a simulated run is made of. */
export interface CrashSetup {
  readonly plan: Plan | undefined;
  readonly proposal: unknown;
  readonly agents: (life: CrashLife) => CrashAgents;
  readonly workspace: (life: CrashLife) => Workspace;
  readonly store: () => RunStore | CrashMedium;
  readonly createOrchestrator: (options: OrchestratorOptions) => Orchestrator;
  readonly options: Partial<OrchestratorOptions>;
  readonly steps: Approval['steps'];
  readonly acts: readonly CrashAct[];
  readonly decide: Decide;
}

/** One simulated run, from its proposal to its end, through all of its lives. */
export interface SimulatedRun {
  readonly schedule: CrashSchedule;
  readonly world: CrashWorld;
  readonly user: CrashUser;
  readonly crashes: number;
  /** What the first life did. */
  readonly figures: LifeFigures;
  /** As it was proposed; absent where that got no answer. */
  readonly plan: Plan | undefined;
  /** Whether a parent ticket would hear of the run. */
  readonly hasTicketHook: boolean;
  /** What was kept of the run in the end. */
  readonly journal: readonly JournalEntry[];
  readonly ending: RunEnding;
}
export type RunEnding =
  | { readonly kind: 'ended'; readonly result: RunResult; readonly view: RunView }
  /** It came to no end, or something else than a crash went wrong. */
  | { readonly kind: 'broken'; readonly error: unknown };

/** Time in which no process is there, after each crash. */
const downMs = 1_000;
/** Times that a run is looked at which is over and has something left to do. */
const mostLooks = 20;
const lookMs = 60_000;
/** Timers of one life. One that has so many waits for something that does not come. */
const mostTimers = 20_000;
const ada = { kind: 'user', id: 'simulator' } as const;

export async function simulateRun(setup: CrashSetup, schedule: CrashSchedule): Promise<SimulatedRun> {
  const clock = createVirtualClock();
  const world = createCrashWorld(clock);
  const user = createCrashUser({ ...setup, world });
  const medium = mediumOf(setup.store());
  const ids = createSequentialIds();
  let figures: LifeFigures = { writes: 0, calls: 0, effects: 0 };
  let plan: Plan | undefined;
  for (let nth = 0; ; nth += 1) {
    const life = createLifeSpan({ life: nth + 1, clock, point: schedule[nth] });
    const store = await medium.open();
    const guards = createLifeGuards(life, world);
    const about: CrashLife = { life: life.life, clock: life.clock, effects: guards.effects };
    const workspace = setup.workspace(about);
    const orchestrator = setup.createOrchestrator({
      // Nobody else drives the run, so nobody has to see a sign of life; and no schedule is long enough to be taken for a poison step.
      leaseMs: 86_400_000,
      maxLostStarts: 1_000,
      ...setup.options,
      owner: 'simulated',
      clock: life.clock,
      ids,
      store: guards.store(store),
      agents: guards.agents(setup.agents(about)),
      workspace: guards.workspace(workspace),
    });
    const ending = await live({ life, orchestrator, setup, user, world, notePlan: (proposed) => (plan = proposed) });
    if (nth === 0) ({ figures } = life);
    const journal = ending ? await readJournal(store, world) : [];
    if (ending || medium.closesWithLife) await store.close().catch(() => undefined);
    const hasTicketHook = workspace.updateTicket !== undefined;
    if (ending) return { schedule, world, user, crashes: nth, figures, plan, hasTicketHook, journal, ending };
    world.noteCrash();
    await clock.advanceAsync(downMs);
  }
}

interface Scene {
  readonly life: LifeSpan;
  readonly orchestrator: Orchestrator;
  readonly setup: CrashSetup;
  readonly user: CrashUser;
  readonly world: CrashWorld;
  readonly notePlan: (plan: Plan) => void;
}

/** Lives one life. Gives how the run ended, or nothing where the life ended before. */
async function live(scene: Scene): Promise<RunEnding | undefined> {
  const { life, world } = scene;
  const story = tell(scene);
  // Where the life ends first, nobody hears the rest.
  story.catch(() => undefined);
  try {
    return await world.clock.runUntil(Promise.race([story, life.died]), { maxTimers: mostTimers });
  } catch (error) {
    return { kind: 'broken', error };
  } finally {
    life.die();
  }
}

async function tell(scene: Scene): Promise<RunEnding> {
  const { orchestrator } = scene;
  const run = await reach(scene);
  const result = await run.result();
  await settle(run, scene);
  const view = run.view();
  await orchestrator.close();
  return { kind: 'ended', result, view };
}

/** Gets hold of the run, doing again whatever got no answer before. */
async function reach(scene: Scene): Promise<Run> {
  const { orchestrator, setup, user, life } = scene;
  const [stored] = await orchestrator.list();
  if (!stored) {
    const { runId, plan } = await (setup.plan ? orchestrator.proposePlan(setup.plan) : orchestrator.propose(setup.proposal));
    scene.notePlan(plan);
    const run = await orchestrator.run(runId);
    user.attend(run, scene);
    await approve(run, scene);
    return run;
  }
  const { runId } = stored;
  const isAnswered = scene.world.acknowledged.some(({ type }) => type === 'run.provisioned');
  // Who got no answer approves again; now before the runs are taken up, now after.
  if (!isAnswered && life.life % 2 === 0) await approve(await orchestrator.run(runId), scene);
  const [recovered] = await orchestrator.recover();
  const run = recovered ?? (await orchestrator.run(runId));
  user.attend(run, scene);
  if (!isAnswered) await approve(run, scene);
  return run;
}

async function approve({ runId, view }: Run, { orchestrator, setup: { steps } }: Scene): Promise<void> {
  const { revision, digest } = view();
  try {
    await orchestrator.approve(runId, { revision, digest, approvedBy: ada, ...(steps && { steps }) });
  } catch (error) {
    // One that was cancelled before cannot be approved any more, and one that cannot be set up has failed.
    if (!isTerminal(view().status)) throw error;
  }
}

/** Lets a run that is over do what it has left to do: tell everyone, undo what a late answer says has happened. */
async function settle(run: Run, { life, user, orchestrator }: Scene): Promise<void> {
  for (let look = 0; look < mostLooks; look += 1) {
    const open = await orchestrator.list({ open: true });
    if (open.length === 0) return;
    user.answerAll(run);
    await new Promise<void>((resolve) => void life.clock.schedule(life.clock.now() + lookMs, resolve));
  }
}

/** A store that was given as it is has to last as long as the run. */
function mediumOf(given: RunStore | CrashMedium) {
  if ('open' in given) return { open: async () => given.open(), closesWithLife: true };
  return { open: async () => given, closesWithLife: false };
}

/** Entries that a reader gets at a time. */
const pageSize = 1_000;

async function readJournal(store: RunStore, { acknowledged }: CrashWorld): Promise<readonly JournalEntry[]> {
  if (acknowledged.length === 0) return [];
  const { runs } = await store.list();
  const journal: JournalEntry[] = [];
  for (const { runId } of runs) {
    for (let after = 0; ;) {
      const page = await store.journal(runId, { after, limit: pageSize });
      journal.push(...page);
      const last = page.at(-1);
      if (!last) break;
      after = last.seq;
    }
  }
  return journal;
}
