import type { CancelTimer } from '../ports/clock.js';
import type { RunSummary } from '../ports/store.js';
import { createDeferred } from './deferred.js';
import { lostStarts, type Suspects } from './lost-starts.js';
import type { ManagedRun } from './managed-run.js';
import type { RunRegistry } from './run-registry.js';
import type { RunSurroundings } from './run-surroundings.js';

/** A run that could not be taken up, and why. It stays as it is. */
export interface RecoveryFailure {
  readonly runId: string;
  readonly error: unknown;
}

/** Takes up the runs that other processes have left, now and whenever one is left later. */
export interface Recovery {
  /** Takes up what can be taken. Gives the runs that were taken up since it was last asked. */
  now(): Promise<{ readonly runs: readonly ManagedRun[]; readonly failures: readonly RecoveryFailure[] }>;
  /** Takes up nothing more. */
  stop(): void;
}

/** A run that is being taken up. */
interface Taking {
  /** Nothing where another has it, or where it failed. */
  readonly claimed: Promise<ManagedRun | undefined>;
  readonly end: Promise<TakingEnd>;
}
interface TakingEnd {
  readonly run?: ManagedRun | undefined;
  readonly failure?: RecoveryFailure;
}

interface Sweep {
  /** Resolves when all that were claimed are going on again. */
  readonly failures: Promise<readonly RecoveryFailure[]>;
}

/** Runs that are claimed or loaded at a time. */
const batch = 50;

export function createRecovery(registry: RunRegistry, surroundings: RunSurroundings): Recovery {
  const { store, clock, leaseMs, isClosing } = surroundings;
  let current: Promise<Sweep> | undefined;
  let untold: ManagedRun[] = [];
  let cancel: CancelTimer | undefined;
  let isWatching = false;

  /** One round over all runs that somebody has to do something for. Resolves when all are claimed that can be, with how it goes on with them. */
  const sweep = async (): Promise<Sweep> => {
    const found: Taking[] = [];
    // Only with all of them at hand can be told which attempt took the process down.
    const together = createDeferred<Suspects>();
    const claimAll = async (): Promise<void> => {
      for await (const page of openRuns()) {
        const left = page.filter(({ runId }) => !registry.atWork(runId) && !registry.isBeingTaken(runId));
        for (let index = 0; index < left.length; index += batch) {
          const claiming = left.slice(index, index + batch).map(({ runId }) => take(runId, together.promise));
          found.push(...claiming);
          await Promise.all(claiming.map(({ claimed }) => claimed));
        }
      }
    };
    const unlisted = await claimAll().catch((error: unknown) => ({ error }));
    const claimed = await Promise.all(found.map((one) => one.claimed));
    together.resolve(lostStarts(claimed.flatMap((run) => run ?? [])));
    // At once, so that one whose house takes its time holds up no other.
    const failures = Promise.all(found.map(({ end }) => end)).then((ends) => {
      untold.push(...ends.flatMap((end) => end.run ?? []));
      if (unlisted) throw unlisted.error;
      return ends.flatMap(({ failure }) => failure ?? []);
    });
    failures.catch(() => undefined);
    return { failures };
  };

  /** Claims one run, and goes on with it when all are claimed that can be. */
  const take = (runId: string, together: Promise<Suspects>): Taking => {
    const claimed = createDeferred<ManagedRun | undefined>();
    const work = async (): Promise<ManagedRun | undefined> => {
      const answer = isClosing() || registry.atWork(runId) ? undefined : await registry.claim(runId);
      const run = answer && 'heldBy' in answer ? undefined : answer;
      claimed.resolve(run);
      if (run) await registry.takeUp(run, await together);
      return run;
    };
    const end = registry.take(runId, work).then(
      (run): TakingEnd => ({ run }),
      (error: unknown): TakingEnd => {
        claimed.resolve(undefined);
        return { failure: { runId, error } };
      },
    );
    return { claimed: claimed.promise, end };
  };

  async function* openRuns(): AsyncGenerator<readonly RunSummary[]> {
    let after: string | undefined;
    do {
      const { runs, cursor } = await store.list({ open: true, ...(after !== undefined && { after }) });
      yield runs;
      after = cursor;
    } while (after !== undefined);
  }

  /** Looks again in the background, so that the runs of a process that dies are taken over within its lease time. */
  const watch = (): void => {
    if (!isWatching || isClosing()) return;
    const next = (): void => {
      // What cannot be taken up is told to whoever asks; here it is tried again.
      void round().then(watch, watch);
    };
    cancel = clock.schedule(clock.now() + leaseMs / 3, next, { background: true });
  };

  /** Two rounds at once would take up the same runs. */
  const round = (): Promise<Sweep> => {
    current ??= sweep().finally(() => (current = undefined));
    return current;
  };

  return {
    async now() {
      // One that is under way may have listed the runs before this call was made.
      await current?.catch(() => undefined);
      const swept = await round();
      if (!isWatching) {
        isWatching = true;
        watch();
      }
      const failures = await swept.failures;
      const runs = untold;
      untold = [];
      return { runs, failures };
    },
    stop() {
      isWatching = false;
      cancel?.();
    },
  };
}
