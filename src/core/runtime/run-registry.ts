import type { Plan } from '../ports/plan.js';
import type { Json } from '../shared/json.js';
import { OrchestratorClosedError, RunElsewhereError, RunMovedOnError, RunNotFoundError } from './errors.js';
import { isTerminal } from './is-terminal.js';
import { lostStarts, type Suspects } from './lost-starts.js';
import { ManagedRun } from './managed-run.js';
import { newOrigin } from './run-origin.js';
import { readSnapshot } from './run-snapshot.js';
import { newRunState, restoreRun } from './restore-run.js';
import type { RunSurroundings } from './run-surroundings.js';
import { storedOutputs } from './stored-events.js';

/** The runs that one orchestrator knows of. */
export interface RunRegistry {
  /** A run that begins here. */
  create(plan: Plan): ManagedRun;
  /** Lets others find a run that is stored. */
  add(run: ManagedRun): void;
  /** The run that is driven here, or else the run as it is stored. @throws RunNotFoundError */
  open(runId: string): Promise<ManagedRun>;
  /** Makes this process the owner of a stored run, which has yet to be taken up. Where there is another owner, gives its name. @throws RunNotFoundError */
  claim(runId: string): Promise<ManagedRun | { readonly heldBy: string }>;
  /** Goes on with a claimed run from wherever it was left. */
  takeUp(run: ManagedRun, suspects?: Suspects): Promise<void>;
  /** The run, driven here: taken up where nobody else drives it. @throws RunElsewhereError */
  drive(runId: string): Promise<ManagedRun>;
  /** The output of a step that has left memory. */
  output(run: ManagedRun, stepId: string): Promise<Json | undefined>;
  /** Keeps a run up to date that another process drives, until it has ended. */
  follow(run: ManagedRun): void;
  readonly all: ReadonlyMap<string, ManagedRun>;
}

/** How often a run that is driven elsewhere is looked at, in milliseconds. */
const followMs = 500;

export function createRunRegistry(surroundings: RunSurroundings): RunRegistry {
  const { store, clock, hold, ids, missedTimers } = surroundings;
  const runs = new Map<string, ManagedRun>();
  /** Claims on their way: two verbs on one run must not both take it up. */
  const driving = new Map<string, Promise<ManagedRun>>();

  const add = (run: ManagedRun): void => {
    runs.set(run.runId, run);
    const forget = (): void => {
      if (runs.get(run.runId) === run && !run.isOpen) runs.delete(run.runId);
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

  /** Brings a run that is not driven here to where it is stored. */
  const catchUp = async (run: ManagedRun): Promise<void> => {
    for (;;) {
      const entries = await store.journal(run.runId, { after: run.journal.seq });
      if (entries.length === 0 || run.isDriven) return;
      // Whoever drives it has compacted its journal since it was looked at.
      if (entries[0]?.seq !== run.journal.seq + 1) throw new RunMovedOnError(run.runId);
      const isRevised = entries.some(({ type }) => type === 'run.revised');
      const stored = isRevised ? await store.load(run.runId) : undefined;
      if (stored) run.replacePlan(restoreRun(stored, surroundings).state.plan);
      run.follow(entries);
    }
  };

  const atWork = (runId: string): ManagedRun | undefined => {
    const run = runs.get(runId);
    return run?.isDriven && !run.halted ? run : undefined;
  };

  const open = async (runId: string): Promise<ManagedRun> => {
    const known = runs.get(runId);
    const isClosing = surroundings.isClosing();
    if (known && (!known.halted || isClosing)) {
      if (!known.isDriven && !isClosing) await catchUp(known);
      return known;
    }
    const run = await load(runId);
    // Somebody may have come to drive it meanwhile.
    const now = atWork(runId);
    if (now) return now;
    if (isTerminal(run.status)) run.end();
    else if (isClosing) run.halt(new OrchestratorClosedError());
    if (run.isOpen || run.status === 'proposed') add(run);
    return run;
  };

  const claim: RunRegistry['claim'] = async (runId) => {
    const answer = await hold.claim(runId);
    if (answer.kind === 'unknown-run') throw new RunNotFoundError(runId);
    if (answer.kind === 'held') return { heldBy: answer.owner };
    const known = runs.get(runId);
    try {
      const isKnown = known && !known.halted;
      if (isKnown && known.journal.seq < answer.seq) await catchUp(known);
      const run = isKnown ? known : await load(runId);
      run.drive(answer.fence);
      add(run);
      return run;
    } catch (error) {
      // Perhaps another process, with other agents or another version, can go on with it.
      await store.release({ owner: hold.owner, runId }).catch(() => undefined);
      throw error;
    }
  };

  const takeUp = async (run: ManagedRun, suspects?: Suspects): Promise<void> => {
    const shiftMs = missedTimers === 'extend' ? Math.max(0, clock.now() - run.journal.writtenAt) : 0;
    try {
      await run.takeUp({ lost: (suspects ?? lostStarts([run])).get(run) ?? [], shiftMs });
    } catch (error) {
      run.halt(error);
      await store.release({ owner: hold.owner, runId: run.runId }).catch(() => undefined);
      throw error;
    }
  };

  const driveNow = async (runId: string): Promise<ManagedRun> => {
    const claimed = await claim(runId);
    if ('heldBy' in claimed) throw new RunElsewhereError(runId, claimed.heldBy);
    await takeUp(claimed);
    return claimed;
  };

  const following = new Set<ManagedRun>();
  const followOn = async (run: ManagedRun): Promise<void> => {
    try {
      if (!surroundings.isClosing() && !run.isDriven) await catchUp(run);
    } catch (error) {
      run.halt(error);
    }
    if (run.isDriven || run.halted || !run.isOpen || surroundings.isClosing()) return void following.delete(run);
    clock.schedule(clock.now() + followMs, () => void followOn(run));
  };

  return {
    create: (plan) => new ManagedRun(newRunState(ids(), { plan, store }), surroundings, newOrigin),
    add,
    open,
    claim,
    takeUp,
    async drive(runId) {
      const run = atWork(runId);
      if (run) return run;
      const started = driving.get(runId) ?? driveNow(runId).finally(() => driving.delete(runId));
      driving.set(runId, started);
      return started;
    },
    async output(run, stepId) {
      // A snapshot has what the journal before it had.
      const snapshot = readSnapshot(run.runId, (await store.load(run.runId))?.checkpoint);
      return snapshot?.outputs.get(stepId) ?? (await storedOutputs(run.state.log, new Set([stepId]))).get(stepId);
    },
    follow(run) {
      if (run.isDriven || run.halted || !run.isOpen || following.has(run)) return;
      following.add(run);
      void followOn(run);
    },
    all: runs,
  };
}
