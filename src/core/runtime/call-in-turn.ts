import type { Refusal } from '../limits/admission.js';
import type { Claim } from '../limits/resource-use.js';
import type { Holder } from '../limits/holder.js';
import type { Clock } from '../ports/clock.js';
import { callError } from './limit-errors.js';
import { readError } from './read-error.js';
import type { WorkQueue } from './work-queue.js';

export interface CallInTurn<T> {
  readonly fn: (signal: AbortSignal) => Promise<T> | T;
  readonly signal: AbortSignal;
  readonly queue: WorkQueue;
  readonly clock: Clock;
  /** The attempt that calls. */
  readonly by: Holder;
  readonly tenant: string;
  readonly owner: string;
}

/** For how long a resource is to be left alone by what its call threw; `undefined` where that does not say. */
function pauseAsked(error: unknown, now: number): number | undefined {
  const read = readError(error, now);
  return read?.class === 'throttled' ? read.retryAfterMs : undefined;
}

/** Above any attempt: whoever calls holds a place already. */
const callPriority = 3;

/** Calls something when what it claims is free, and again where its provider asked for a pause. @throws ResourceRefusedError, or the reason of the signal. */
export const callInTurn = <T>(
  { claims, kind }: { readonly claims: readonly Claim[]; readonly kind: string },
  { fn, signal, queue, clock, tenant, owner, by }: CallInTurn<T>,
): Promise<T> =>
  new Promise<T>((resolve, reject) => {
    signal.throwIfAborted();
    const work = {
      ...{
        tenant,
        owner,
        by,
        stepId: by.stepId,
        isCall: true as const,
        claims,
        kind,
        priority: callPriority,
        urgency: 0,
        since: clock.now(),
      },
      run: async (): Promise<void> => {
        signal.removeEventListener('abort', giveUp);
        try {
          resolve(await fn(signal));
        } catch (error) {
          const pauseMs = signal.aborted ? undefined : pauseAsked(error, clock.now());
          if (pauseMs === undefined) {
            reject(error);
            return;
          }
          for (const { resource } of claims) queue.hold(resource, clock.now() + pauseMs);
          enter();
        }
      },
      refuse(refusal: Refusal): void {
        signal.removeEventListener('abort', giveUp);
        reject(callError(refusal));
      },
    };
    const giveUp = (): void => {
      leave();
      reject(signal.reason as Error);
    };
    let leave = (): void => undefined;
    const enter = (): void => {
      signal.addEventListener('abort', giveUp, { once: true });
      leave = queue.addCall(work);
    };
    enter();
  });
