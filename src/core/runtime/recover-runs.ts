import type { CancelTimer } from '../ports/clock.js';
import type { RunSummary } from '../ports/store.js';
import { RecoveryError } from './errors.js';
import { lostStarts } from './lost-starts.js';
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
  /** Takes up what can be taken. Gives the runs that were taken up since it was last asked. @throws RecoveryError */
  now(onFailure?: (failure: RecoveryFailure) => void): Promise<ManagedRun[]>;
  /** Takes up nothing more. */
  stop(): void;
}

/** Runs that are claimed or loaded at a time. */
const batch = 50;

export function createRecovery(registry: RunRegistry, surroundings: RunSurroundings): Recovery {
  const { store, clock, leaseMs, isClosing } = surroundings;
  let current: Promise<readonly RecoveryFailure[]> | undefined;
  let untold: ManagedRun[] = [];
  let cancel: CancelTimer | undefined;
  let isWatching = false;

  /** One round over all runs that somebody has to do something for. */
  const sweep = async (): Promise<readonly RecoveryFailure[]> => {
    const failures: RecoveryFailure[] = [];
    const claimed: ManagedRun[] = [];
    for await (const page of openRuns()) {
      const mine = page.filter(({ runId }) => !isAtWork(registry.all.get(runId)));
      for (let index = 0; index < mine.length; index += batch) {
        await Promise.all(mine.slice(index, index + batch).map((run) => claim(run, { claimed, failures })));
      }
    }
    // Only with all of them at hand can be told which attempt took the process down.
    const suspects = lostStarts(claimed);
    // At once, so that one whose house takes its time holds up no other.
    const taken = await Promise.all(
      claimed.map((run) =>
        registry.takeUp(run, suspects).then(
          () => run,
          (error: unknown) => void failures.push({ runId: run.runId, error }),
        ),
      ),
    );
    untold.push(...taken.flatMap((run) => run ?? []));
    return failures;
  };

  const claim = async (
    { runId }: RunSummary,
    { claimed, failures }: { readonly claimed: ManagedRun[]; readonly failures: RecoveryFailure[] },
  ): Promise<void> => {
    if (isClosing()) return;
    try {
      const answer = await registry.claim(runId);
      if (!('heldBy' in answer)) claimed.push(answer);
    } catch (error) {
      failures.push({ runId, error });
    }
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
  const round = (): Promise<readonly RecoveryFailure[]> => {
    current ??= sweep().finally(() => (current = undefined));
    return current;
  };

  return {
    async now(onFailure) {
      // One that is under way may have listed the runs before this call was made.
      await current?.catch(() => undefined);
      const failures = await round();
      const taken = untold;
      untold = [];
      if (!isWatching) {
        isWatching = true;
        watch();
      }
      if (onFailure) failures.forEach(onFailure);
      else if (failures.length > 0) throw new RecoveryError(taken, failures);
      return taken;
    },
    stop() {
      isWatching = false;
      cancel?.();
    },
  };
}

const isAtWork = (run: ManagedRun | undefined): boolean => run?.isDriven === true && !run.halted;
