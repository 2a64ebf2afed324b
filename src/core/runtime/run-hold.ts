import type { Clock } from '../ports/clock.js';
import type { ClaimAnswer, RunStore } from '../ports/store.js';
import type { ProcessOwner } from './process-owner.js';

/** What lets one process, and no other, drive a run. */
export interface RunHold {
  readonly owner: string;
  /** Asks the store for a run. One whose owner is known to be gone is taken at once, not when its lease has run out. */
  claim(runId: string): Promise<ClaimAnswer>;
  /** The run is driven here: the lease is renewed as long as there is such a run. */
  keep(runId: string): void;
  drop(runId: string): void;
  /** Gives up everything, so that others need not wait. */
  releaseAll(): Promise<void>;
}

export interface RunHoldOptions {
  readonly store: RunStore;
  readonly clock: Clock;
  readonly owner: ProcessOwner;
  readonly leaseMs: number;
}

export function createRunHold({ store, clock, owner, leaseMs }: RunHoldOptions): RunHold {
  const kept = new Set<string>();
  let isRenewing = false;

  const ask = (runId: string, insteadOf?: string): Promise<ClaimAnswer> =>
    store.claim({ runId, owner: owner.id, at: clock.now(), leaseMs, ...(insteadOf !== undefined && { insteadOf }) });

  const renewLater = (): void => {
    // In the background: a lease that nobody renews is there to be taken over.
    clock.schedule(clock.now() + leaseMs / 3, () => void renew(), { background: true });
  };
  const renew = async (): Promise<void> => {
    if (kept.size === 0) return void (isRenewing = false);
    try {
      await store.renew({ owner: owner.id, at: clock.now(), leaseMs });
    } catch {
      // The next commit tells whether the store is gone, or the runs are somebody else's by now.
    }
    renewLater();
  };

  return {
    owner: owner.id,
    async claim(runId) {
      const answer = await ask(runId);
      return answer.kind === 'held' && owner.isGone(answer.owner) ? ask(runId, answer.owner) : answer;
    },
    keep(runId) {
      kept.add(runId);
      if (isRenewing) return;
      isRenewing = true;
      renewLater();
    },
    drop: (runId) => void kept.delete(runId),
    async releaseAll() {
      kept.clear();
      owner.leave();
      try {
        await store.release({ owner: owner.id });
      } catch {
        // Then the lease runs out by itself.
      }
    },
  };
}
