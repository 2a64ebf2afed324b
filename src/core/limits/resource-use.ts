import type { ResourceLimit } from '../ports/proposal.js';
import type { LimitFigure } from '../ports/wait.js';

/** What something that waits wants of a resource while it works. */
export interface Claim {
  readonly resource: string;
  /** How much of its concurrency it holds; 0 for a call of somebody who holds it already. */
  readonly amount: number;
  /** What whoever waits was promised; others may have been promised more. */
  readonly limit: ResourceLimit;
}

/** What keeps a claim from being met, and until when; `opensAt` is absent where somebody has to let go first. */
export interface Obstacle {
  readonly limit: LimitFigure;
  readonly opensAt?: number;
}

/** How much of one resource is in use, and when it was last started: what limits are held to. Times are milliseconds. */
export interface ResourceUse {
  /** When a claim fits; `undefined` where that takes somebody to let go first. */
  freeAt(claim: Claim, now: number): number | undefined;
  /** Why a claim does not fit now; `undefined` where it does. */
  obstacleTo(claim: Claim, now: number): Obstacle | undefined;
  take(claim: Claim, now: number): void;
  release(claim: Claim): void;
  /** Nothing of it starts before then: its provider has asked for a pause. */
  holdUntil(at: number): void;
  /** Nobody holds any of it, and nothing of what was has to be remembered. */
  readonly isForgettable: boolean;
}

export function createResourceUse(): ResourceUse {
  let held = 0;
  let heldUntil = -Infinity;
  /** Starts, oldest first, as far back as the widest limit looks. */
  let starts: number[] = [];
  let widest = 0;
  let longestMs = 0;

  /** A start may come an interval after the one that is `limit` starts back: no window of that length then holds more than `limit`. */
  const windowOpensAt = ({ limit, intervalMs }: ResourceLimit): number => {
    if (limit === undefined || intervalMs === undefined) return -Infinity;
    const first = starts.at(-limit);
    return first === undefined ? -Infinity : first + intervalMs;
  };

  /** What takes more than there is goes alone. */
  const isTaken = ({ amount, limit: { concurrency = Infinity } }: Claim): boolean =>
    amount > 0 && held > 0 && held + amount > concurrency;

  return {
    freeAt(claim, now) {
      return isTaken(claim) ? undefined : Math.max(now, heldUntil, windowOpensAt(claim.limit));
    },
    obstacleTo(claim, now) {
      const { concurrency = Infinity, limit = 0, intervalMs = 0 } = claim.limit;
      if (isTaken(claim)) return { limit: { kind: 'concurrency', concurrency, inUse: held, amount: claim.amount } };
      const opensAt = windowOpensAt(claim.limit);
      if (heldUntil > now && heldUntil >= opensAt) return { limit: { kind: 'pause' }, opensAt: heldUntil };
      return opensAt > now ? { limit: { kind: 'rate', limit, intervalMs }, opensAt } : undefined;
    },
    take({ amount, limit }, now) {
      held += amount;
      widest = Math.max(widest, limit.limit ?? 0);
      longestMs = Math.max(longestMs, limit.intervalMs ?? 0);
      if (widest === 0) return;
      starts.push(now);
      if (starts.length > 2 * widest + 64) starts = starts.slice(-widest).filter((at) => at > now - longestMs);
    },
    release({ amount }) {
      held -= amount;
    },
    holdUntil(at) {
      heldUntil = Math.max(heldUntil, at);
    },
    get isForgettable() {
      return held === 0 && starts.length === 0 && heldUntil === -Infinity;
    },
  };
}
