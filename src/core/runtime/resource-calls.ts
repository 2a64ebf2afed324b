import type { Kernel } from '../kernel/create-kernel.js';
import type { Holder } from '../limits/holder.js';
import type { StepDefinition } from '../materializer/definition.js';
import type { BreakerKey } from '../ports/breaker.js';
import type { Clock } from '../ports/clock.js';
import type { BreakerSpecs } from './breaker-specs.js';
import type { Breakers } from './breakers.js';
import { callInTurn } from './call-in-turn.js';
import { guardedCall } from './guarded-call.js';
import type { StepClaims } from './step-claims.js';
import type { WorkQueue } from './work-queue.js';

export interface ResourceCallsOptions {
  readonly runId: string;
  /** Who pays for it; the empty text for nobody in particular. */
  readonly tenant: () => string;
  readonly kernel: () => Kernel;
  readonly claims: StepClaims;
  readonly queue: WorkQueue;
  readonly clock: Clock;
  readonly breakers: Breakers;
  readonly specs: BreakerSpecs;
  readonly tell: (key: BreakerKey) => void;
}

/** A call that waits because the breaker of what it calls is open. */
export interface PausedCall {
  readonly stepId: string;
  readonly key: BreakerKey;
  readonly since: number;
}

/** One call of a resource by a step. */
export interface ResourceCall<T> {
  readonly step: StepDefinition;
  /** The attempt that calls. */
  readonly by: Holder;
  readonly signal: AbortSignal;
  readonly fn: (signal: AbortSignal) => Promise<T> | T;
}

export interface ResourceCalls {
  /** Calls a resource when its limits allow it, and if its breaker does. */
  call<T>(resource: string, call: ResourceCall<T>): Promise<T>;
  readonly paused: Iterable<PausedCall>;
}

/** Makes the calls of resources of one run. */
export function createResourceCalls(options: ResourceCallsOptions): ResourceCalls {
  const { runId, tenant, kernel, claims, queue, clock, breakers, specs, tell } = options;
  const paused = new Set<PausedCall>();
  const call = <T>(resource: string, { step, by, signal, fn }: ResourceCall<T>): Promise<T> => {
    const enter = <Result>(inner: ResourceCall<Result>['fn'], until: AbortSignal): Promise<Result> =>
      callInTurn(claims.ofCall(resource, step), { fn: inner, signal: until, queue, clock, tenant: tenant(), owner: runId, by });
    const spec = specs.ofResource(resource, kernel());
    if (!spec) return enter(fn, signal);
    const key = { kind: 'resource', name: resource } as const;
    const pause = (): (() => void) => {
      const one = { stepId: by.stepId, key, since: clock.now() };
      paused.add(one);
      return () => void paused.delete(one);
    };
    return guardedCall({ breakers, key, spec, signal, fn, enter, pause, tell: () => tell(key) });
  };
  return { call, paused };
}
