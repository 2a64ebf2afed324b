import type { Approval } from '../approval/approve-plan.js';
import type { Plan } from '../ports/plan.js';
import type { RunStore } from '../ports/store.js';
import type { Workspace } from '../ports/workspace.js';
import type { Orchestrator } from '../runtime/create-orchestrator.js';
import type { OrchestratorOptions } from '../runtime/orchestrator-options.js';
import { PlanwrightError } from '../shared/error.js';
import { ConformanceError } from './conformance-case.js';
import { crashDamage, type CrashExpectation } from './crash-damage.js';
import type { CrashAgents } from './crash-guards.js';
import type { CrashLife } from './crash-life.js';
import { type CrashSchedule, everySchedule, someSchedules } from './crash-points.js';
import { createRandom } from './random.js';
import { type CrashMedium, type CrashSetup, type SimulatedRun, simulateRun } from './crash-run.js';
import { type CrashReport, createCrashTally } from './crash-tally.js';
import { type CrashAct, type Decide, decideByLooking } from './crash-user.js';

/** What to run, and where to have it crash. Either `proposal` or `plan` is given. */
export interface CrashSimulationOptions {
  /** What `orchestrator.propose` takes. */
  readonly proposal?: unknown;
  /** What `orchestrator.proposePlan` takes. */
  readonly plan?: Plan;
  /** Makes the agents of one life, by id. They wait by `clock` and act on the world by `effects`; a life that is over does neither. */
  readonly agents: (life: CrashLife) => CrashAgents;
  /** Makes the workspace of one life. Default: one that sets up a team and a project, and takes the deliverable. */
  readonly workspace?: (life: CrashLife) => Workspace;
  /** Makes an empty store for one run, or what opens one anew for each life. Default: memory. */
  readonly store?: () => RunStore | CrashMedium;
  /**
   * Where to crash: at each write to the store, each call of an agent and each effect, by itself and with further crashes while the run is
   * taken up (`every-commit`, the default); at so many points by chance; or in one way, to see again what a report tells of.
   */
  readonly at?: 'every-commit' | number | CrashSchedule;
  /** Decides whatever is left to chance. Default: 1. */
  readonly seed?: number;
  /**
   * Answers gates and steps in doubt. Default: gates are opened, those of steps aside that were not approved at first; and a step in doubt
   * has happened if its effect is there.
   */
  readonly decide?: Decide;
  /** What a person does in the middle, in order. */
  readonly acts?: readonly CrashAct[];
  /** The part of the plan that is approved. Default: all of it. */
  readonly steps?: Approval['steps'];
  readonly topologies?: OrchestratorOptions['topologies'];
  /** Whatever else the orchestrator is to be made with. */
  readonly orchestrator?: Omit<OrchestratorOptions, 'agents' | 'store' | 'workspace' | 'topologies' | 'clock' | 'ids' | 'owner'>;
  /** Expectations that this run cannot keep, because its end hangs on time or on the order of things. */
  readonly ignore?: readonly CrashExpectation[];
  /** Failures after which no more is tried. Default: 10. */
  readonly maxFailures?: number;
}

/** A simulation whose run does not come to its end by itself, or does not do what the options say, even without a crash. */
export class CrashSimulationError extends PlanwrightError {
  readonly code = 'CRASH_SIMULATION';
}

/** What comes with planwright, and core does not know. */
export interface CrashDefaults {
  readonly createOrchestrator: (options: OrchestratorOptions) => Orchestrator;
  readonly createStore: () => RunStore;
}

/** {@link CrashSimulationOptions} run against one way to make an orchestrator. */
export async function simulateCrashesWith(defaults: CrashDefaults, options: CrashSimulationOptions): Promise<CrashReport> {
  const { at = 'every-commit', seed = 1, ignore = [], maxFailures = 10 } = options;
  const setup = setupOf(defaults, options);
  const reference = await simulateRun(setup, []);
  const plan = checkReference(reference, options);
  const tally = createCrashTally({ seed, reference, maxFailures });
  const add = (run: SimulatedRun): void => {
    const damage = crashDamage(run, { reference, plan });
    tally.add(
      run,
      damage.filter(({ expectation }) => !ignore.includes(expectation)),
    );
  };
  add(reference);
  for (const schedule of schedulesOf(at, { figures: reference.figures, random: createRandom(seed) })) {
    if (tally.isFull) break;
    add(await simulateRun(setup, schedule));
  }
  return tally.report();
}

/** @throws ConformanceError that names the expectation, and the seed and the schedule that show it again. */
export function expectNoCrashDamage({ failures }: CrashReport): void {
  const [first] = failures;
  if (!first) return;
  const { expectation, seed, at, expected, actual } = first;
  throw new ConformanceError(`${expectation} { seed: ${seed}, at: ${JSON.stringify(at)} }`, expected, actual);
}

function setupOf({ createOrchestrator, createStore }: CrashDefaults, options: CrashSimulationOptions): CrashSetup {
  const { proposal, plan, agents, workspace = standardWorkspace, store = createStore, acts = [], decide, steps } = options;
  const { topologies, orchestrator } = options;
  return {
    plan,
    proposal,
    agents,
    workspace,
    store,
    createOrchestrator,
    options: { ...orchestrator, ...(topologies && { topologies }) },
    steps,
    acts,
    decide: decide ?? decideByLooking(steps),
  };
}

const standardWorkspace = (): Workspace => ({
  createTeam: async ({ runId }) => ({ teamId: `team of ${runId}` }),
  createProject: async ({ runId }) => ({ projectId: `project of ${runId}` }),
  deliver: () => Promise.resolve(),
  updateTicket: () => undefined,
});

/** @throws CrashSimulationError when the run without a crash does not do what it is to be compared by. */
function checkReference({ ending, plan, user }: SimulatedRun, { acts = [] }: CrashSimulationOptions): Plan {
  if (ending.kind === 'broken') {
    const cause = ending.error;
    throw new CrashSimulationError(`Without a crash, the run comes to no end: ${String(cause)}`, { cause });
  }
  if (!plan) throw new CrashSimulationError('The run was never proposed.');
  const missing = acts[user.actsDone];
  if (missing) {
    const when = `${missing.after.type} ${missing.after.stepId ?? ''}`.trim();
    const why = user.refusal === undefined ? '.' : `: ${user.refusal}`;
    throw new CrashSimulationError(
      `Without a crash, act ${user.actsDone + 1} (${missing.do}, after ${when}) does not come about${why}`,
    );
  }
  return plan;
}

function schedulesOf(
  at: NonNullable<CrashSimulationOptions['at']>,
  chance: Parameters<typeof someSchedules>[1],
): readonly CrashSchedule[] {
  if (at === 'every-commit') return everySchedule(chance.figures, chance.random);
  return typeof at === 'number' ? someSchedules(at, chance) : [at];
}
