import type { Plan } from '../ports/plan.js';
import type { Json } from '../shared/json.js';
import { expectReducers } from './check-reducers.js';
import { OrchestratorClosedError, RunElsewhereError, RunMovedOnError, RunNotFoundError } from './errors.js';
import { createRunFollower, type RunFollower } from './follow-runs.js';
import { isTerminal } from './is-terminal.js';
import { lostStarts, type Suspects } from './lost-starts.js';
import { ManagedRun } from './managed-run.js';
import { newOrigin } from './run-origin.js';
import { readSnapshot } from './run-snapshot.js';
import { newRunState, restoreRun } from './restore-run.js';
import type { RunSurroundings } from './run-surroundings.js';
import { storedOutputs } from './stored-events.js';

/** The runs that one orchestrator knows of. */
export interface RunRegistry extends RunFollower {
  /** A run that begins here. */
  create(plan: Plan): ManagedRun;
  /** Lets others find a run that is stored. */
  add(run: ManagedRun): void;
  /** The run that is driven here, or else the run as it is stored. @throws RunNotFoundError */
  open(runId: string): Promise<ManagedRun>;
  /** Makes this process the owner of a stored run, which has yet to be taken up. Where there is another owner, gives its name. @throws RunNotFoundError */
  claim(runId: string): Promise<ManagedRun | { readonly heldBy: string }>;
  /**
   * Does what makes this process drive a run, once nothing else here is at that: a run that was claimed or taken up twice would have all of it
   * started twice.
   */
  take<T>(runId: string, work: () => Promise<T>): Promise<T>;
  /** Whether such work is under way. */
  isBeingTaken(runId: string): boolean;
  /** The run, where it is driven here. */
  atWork(runId: string): ManagedRun | undefined;
  /** Goes on with a claimed run from wherever it was left. */
  takeUp(run: ManagedRun, suspects?: Suspects): Promise<void>;
  /** Leaves a claimed run to others, because of an error: perhaps another process, with other agents or another version, can go on with it. */
  giveUp(run: ManagedRun, error: unknown): Promise<void>;
  /** Leaves a claimed run, with which nothing has been done, to whoever claims it next. */
  unclaim(run: ManagedRun): Promise<void>;
  /** The run, driven here: taken up where nobody else drives it. @throws RunElsewhereError */
  drive(runId: string): Promise<ManagedRun>;
  /** The output of a step that has left memory. */
  output(run: ManagedRun, stepId: string): Promise<Json | undefined>;
  /** What a handle on a run shows: the run, or what has taken its place since. */
  now(run: ManagedRun): ManagedRun;
  readonly all: ReadonlyMap<string, ManagedRun>;
}

export function createRunRegistry(surroundings: RunSurroundings): RunRegistry {
  const { store, clock, hold, ids, missedTimers, topologies, reducers, isClosing, budgets, gate } = surroundings;
  const runs = new Map<string, ManagedRun>();
  const taking = new Map<string, Promise<unknown>>();

  const add = (run: ManagedRun): void => {
    runs.set(run.runId, run);
    const forget = (): void => {
      if (runs.get(run.runId) !== run || run.isOpen) return;
      runs.delete(run.runId);
      budgets.leave(run.runId);
    };
    run.ended.then(forget, () => undefined);
  };

  const load = async (runId: string): Promise<ManagedRun> => {
    const stored = await store.load(runId);
    if (!stored) throw new RunNotFoundError(runId);
    const { seq, fence, summary, journal } = stored;
    const { state, snapshot } = restoreRun(stored, surroundings);
    const compactedTo = snapshot ? (journal[0]?.seq ?? seq + 1) - 1 : 0;
    return new ManagedRun(state, surroundings, { seq, fence, writtenAt: summary.updatedAt, snapshot, compactedTo });
  };

  const atWork = (runId: string): ManagedRun | undefined => {
    const run = runs.get(runId);
    return run?.isDriven && !run.halted ? run : undefined;
  };

  const take = <T>(runId: string, work: () => Promise<T>): Promise<T> => {
    const done = (taking.get(runId) ?? Promise.resolve()).catch(() => undefined).then(work);
    const forget = (): void => {
      if (taking.get(runId) === done) taking.delete(runId);
    };
    taking.set(runId, done);
    done.then(forget, forget);
    return done;
  };

  /** What is shown in the place of runs that could not be followed any more. */
  const successors = new WeakMap<ManagedRun, ManagedRun>();
  const replace = async (run: ManagedRun): Promise<ManagedRun> => {
    const next = await load(run.runId);
    const now = atWork(run.runId);
    if (now) return now;
    successors.set(run, next);
    run.halt(new RunMovedOnError(run.runId));
    return show(next);
  };

  /** One look at a time: two would take the same entries twice. */
  const looking = new WeakMap<ManagedRun, Promise<unknown>>();
  const catchUp = (run: ManagedRun): Promise<ManagedRun> => {
    const looked = (looking.get(run) ?? Promise.resolve()).catch(() => undefined).then(() => look(run));
    looking.set(run, looked);
    return looked;
  };

  /** Brings a run that is not driven here to where it is stored. Gives what shows it then: another, where its journal was compacted meanwhile. */
  const look = async (run: ManagedRun): Promise<ManagedRun> => {
    const isElsewhere = (): boolean => !run.isDriven && !run.halted;
    while (isElsewhere()) {
      const { seq } = run.journal;
      // With the last one known, so that a journal in which nothing is new can be told from one that was dropped.
      const entries = await store.journal(run.runId, { after: Math.max(0, seq - 1) });
      const news = entries.filter((entry) => entry.seq > seq);
      const isWhole = news.length > 0 ? news[0]?.seq === seq + 1 : entries.length > 0 || (await isNewest(run));
      if (!isElsewhere()) break;
      if (!isWhole) return replace(run);
      if (news.length === 0) break;
      const isRevised = news.some(({ type }) => type === 'run.revised');
      const stored = isRevised ? await store.load(run.runId) : undefined;
      if (!isElsewhere()) break;
      if (stored) run.replacePlan(restoreRun(stored, surroundings).state.firstPlan);
      run.follow(news);
    }
    return now(run);
  };

  /** Whether nothing has come after what is known of a run whose journal was dropped. */
  const isNewest = async (run: ManagedRun): Promise<boolean> => (await store.load(run.runId))?.seq === run.journal.seq;

  const now = (given: ManagedRun): ManagedRun => {
    let run = given;
    for (let next = successors.get(run); next; next = successors.get(run)) run = next;
    const known = runs.get(run.runId);
    return known && !known.halted && !(run.isDriven && !run.halted) ? known : run;
  };

  /** Takes in a run that was read from the store. */
  const show = (run: ManagedRun): ManagedRun => {
    if (isTerminal(run.status)) run.end();
    else if (isClosing()) run.halt(new OrchestratorClosedError());
    if (run.isOpen || run.status === 'proposed') add(run);
    return run;
  };

  const open = async (runId: string): Promise<ManagedRun> => {
    const known = runs.get(runId);
    if (known && (!known.halted || isClosing())) return known.isDriven || isClosing() ? known : catchUp(known);
    const run = await load(runId);
    // Somebody else may have looked at it meanwhile, or have come to drive it.
    const other = runs.get(runId);
    return other && !other.halted ? open(runId) : show(run);
  };

  const claim: RunRegistry['claim'] = async (runId) => {
    await budgets.load();
    const answer = await hold.claim(runId);
    if (answer.kind === 'unknown-run') throw new RunNotFoundError(runId);
    if (answer.kind === 'held') return { heldBy: answer.owner };
    const known = runs.get(runId);
    try {
      const isKnown = known && !known.halted;
      let run = isKnown ? known : await load(runId);
      if (run.journal.seq < answer.seq) run = await catchUp(run);
      if (run.journal.seq < answer.seq) run = await replace(run);
      await budgets.enter(run);
      // What is claimed from here on would be renewed for ever, and nobody would be at it.
      if (isClosing()) throw new OrchestratorClosedError();
      if (!isTerminal(run.status)) expectReducers(run.runId, run.plan, reducers);
      run.drive(answer.fence);
      add(run);
      return run;
    } catch (error) {
      await release(runId);
      throw error;
    }
  };

  const release = (runId: string): Promise<void> => store.release({ owner: hold.owner, runId }).catch(() => undefined);
  const unclaim = (run: ManagedRun): Promise<void> => {
    run.isDriven = false;
    hold.drop(run.runId);
    return release(run.runId);
  };
  const giveUp = (run: ManagedRun, error: unknown): Promise<void> => {
    run.halt(error);
    return release(run.runId);
  };

  const takeUp = async (run: ManagedRun, suspects?: Suspects): Promise<void> => {
    const shiftMs = missedTimers === 'extend' ? Math.max(0, clock.now() - run.journal.writtenAt) : 0;
    gate.seize({ runId: run.runId, tenant: run.state.record.tenant });
    const leave = (): void => gate.leave(run.runId);
    run.ended.then(leave, leave);
    try {
      await run.takeUp({ lost: (suspects ?? lostStarts([run])).get(run) ?? [], shiftMs });
    } catch (error) {
      await giveUp(run, error);
      throw error;
    }
  };

  const driveNow = async (runId: string): Promise<ManagedRun> => {
    const claimed = await claim(runId);
    if ('heldBy' in claimed) throw new RunElsewhereError(runId, claimed.heldBy);
    await takeUp(claimed);
    return claimed;
  };

  return {
    create: (plan) => new ManagedRun(newRunState(ids(), { plan, store, topologies, reducers }), surroundings, newOrigin),
    add,
    open,
    claim,
    takeUp,
    giveUp,
    unclaim,
    take,
    isBeingTaken: (runId) => taking.has(runId),
    atWork,
    drive: async (runId) => atWork(runId) ?? take(runId, async () => atWork(runId) ?? driveNow(runId)),
    async output(run, stepId) {
      // A snapshot has what the journal before it had.
      const snapshot = readSnapshot(run.runId, (await store.load(run.runId))?.checkpoint);
      return snapshot?.outputs.get(stepId) ?? (await storedOutputs(run.state.log, new Set([stepId]))).get(stepId);
    },
    ...createRunFollower({ clock, isClosing, catchUp }),
    now,
    all: runs,
  };
}
