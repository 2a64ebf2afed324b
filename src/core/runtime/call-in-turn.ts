import type { Refusal } from '../limits/admission.js';
import type { Claim } from '../limits/resource-use.js';
import type { Clock } from '../ports/clock.js';
import { PlanwrightError } from '../shared/error.js';
import { quote } from '../shared/issue.js';
import { pauseOf } from '../shared/throttled-error.js';
import type { WorkQueue } from './work-queue.js';

/** A resource had as many waiting for it as it may, or was waited for as long as it may be. Nothing was called. */
export class ResourceRefusedError extends PlanwrightError {
  readonly code = 'RESOURCE_REFUSED';
  readonly resource: string;
  readonly reason: Refusal['code'];
  /** `maxQueued`, or `maxWaitMs`. */
  readonly limit: number;
  constructor({ code, resource, limit }: Refusal) {
    super(
      code === 'RESOURCE_QUEUE_FULL'
        ? `${limit} wait for the resource ${quote(resource)} already (maxQueued). Try again later, or raise it.`
        : `The resource ${quote(resource)} was not free within ${limit} ms (maxWaitMs). Try again later, or raise it.`,
    );
    this.resource = resource;
    this.reason = code;
    this.limit = limit;
  }
}

export interface CallInTurn<T> {
  readonly fn: (signal: AbortSignal) => Promise<T> | T;
  readonly signal: AbortSignal;
  readonly queue: WorkQueue;
  readonly clock: Clock;
  readonly owner: string;
}

/** Above any attempt: whoever calls holds a place already. */
const callPriority = 3;

/** Calls something when what it claims is free, and again where its provider asked for a pause. @throws ResourceRefusedError, or the reason of the signal. */
export const callInTurn = <T>(
  { claims, kind }: { readonly claims: readonly Claim[]; readonly kind: string },
  { fn, signal, queue, clock, owner }: CallInTurn<T>,
): Promise<T> =>
  new Promise<T>((resolve, reject) => {
    signal.throwIfAborted();
    const work = {
      ...{ owner, claims, kind, priority: callPriority, urgency: 0, since: clock.now() },
      run: async (): Promise<void> => {
        signal.removeEventListener('abort', giveUp);
        try {
          resolve(await fn(signal));
        } catch (error) {
          const pauseMs = signal.aborted ? undefined : pauseOf(error);
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
        reject(new ResourceRefusedError(refusal));
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
