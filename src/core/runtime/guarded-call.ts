import type { CircuitOutcome } from '../limits/circuit-breaker.js';
import type { BreakerKey } from '../ports/breaker.js';
import type { CircuitBreakerSpec } from '../ports/proposal.js';
import type { Breakers } from './breakers.js';
import { isThrown } from '../shared/thrown.js';
import { CircuitOpenError } from './circuit-open-error.js';
import { readError } from './read-error.js';

type Call<T> = (signal: AbortSignal) => Promise<T> | T;

export interface GuardedCall<T> {
  readonly breakers: Breakers;
  readonly key: BreakerKey;
  readonly spec: CircuitBreakerSpec;
  readonly signal: AbortSignal;
  readonly fn: Call<T>;
  /** Waits for its turn and makes the call, unless the signal fires. */
  readonly enter: <Result>(fn: Call<Result>, signal: AbortSignal) => Promise<Result>;
  readonly tell: () => void;
  /** It waits because the breaker is open; gives what says that it does so no longer. */
  readonly pause: () => () => void;
}

/** It had its turn, and the breaker had opened meanwhile: it waits for that, and then for another turn. */
const turnedAway = Symbol('turned away');

/**
 * Calls a resource if its breaker lets it. What is thrown counts against the resource, a pause that its provider asks for and what was cut off do not.
 *
 * @throws CircuitOpenError where the breaker is open and calls are not to wait for it; what was thrown; the reason of the signal.
 */
export async function guardedCall<T>(options: GuardedCall<T>): Promise<T> {
  const { breakers, key, spec, signal, tell } = options;
  await breakers.known(key);
  for (;;) {
    signal.throwIfAborted();
    if (!breakers.isPassable(key)) {
      tell();
      if (spec.whenOpen !== 'wait') throw openError(options);
      const goOn = options.pause();
      await passable(options).finally(goOn);
    }
    const result = await waitUnlessOpen(options);
    if (result !== turnedAway) return result;
  }
}

/** A call that waits for its turn when the breaker opens waits no longer: its turn, when it comes, is for a call that is made. */
async function waitUnlessOpen<T>(options: GuardedCall<T>): Promise<T | typeof turnedAway> {
  const { breakers, key, spec, signal, enter } = options;
  const opened = new AbortController();
  const stop = breakers.whenOpen(key, () => opened.abort(spec.whenOpen === 'wait' ? turnedAway : openError(options)));
  const begin = (inner: AbortSignal): Promise<T | typeof turnedAway> => {
    stop();
    return callOnce(options, inner);
  };
  try {
    return await enter(begin, AbortSignal.any([signal, opened.signal]));
  } catch (error) {
    if (error === turnedAway) return turnedAway;
    throw error;
  } finally {
    stop();
  }
}

async function callOnce<T>(options: GuardedCall<T>, signal: AbortSignal): Promise<T | typeof turnedAway> {
  const { breakers, key, spec, fn, tell } = options;
  const pass = breakers.enter(key, spec);
  tell();
  if (!pass) {
    if (spec.whenOpen === 'wait') return turnedAway;
    throw openError(options);
  }
  const leave = (outcome: CircuitOutcome): void => {
    signal.removeEventListener('abort', cutOff);
    pass.leave(outcome);
    tell();
  };
  const cutOff = (): void => leave('neither');
  // Who takes no notice of the signal must not hold the place of the probe.
  signal.addEventListener('abort', cutOff, { once: true });
  try {
    const value = await fn(signal);
    leave('success');
    return value;
  } catch (error) {
    leave(
      signal.aborted || readError(error, 0)?.class === 'throttled' || isThrown(error, CircuitOpenError) ? 'neither' : 'failure',
    );
    throw error;
  }
}

function openError<T>({ breakers, key }: GuardedCall<T>): CircuitOpenError {
  const { until = 0, failures } = breakers.view(key);
  return new CircuitOpenError({ key, openUntil: until, failures });
}

const passable = <T>({ breakers, key, signal }: GuardedCall<T>): Promise<void> =>
  new Promise((resolve, reject) => {
    const giveUp = (): void => {
      cancel();
      reject(signal.reason as Error);
    };
    const cancel = breakers.whenPassable([key], () => {
      signal.removeEventListener('abort', giveUp);
      resolve();
    });
    signal.addEventListener('abort', giveUp, { once: true });
  });
