import { stepOf, type RunCore } from './run-core.js';

/** How often in a row a provider may ask for a pause, where the step's retry policy does not say. */
export const mostThrottled = 20;

/** Counts that a provider has asked for a pause. `undefined`: it has done so as often as it may, and this is a failure. */
export function countThrottle(core: RunCore, index: number): number | undefined {
  const count = (core.throttles.get(index) ?? 0) + 1;
  if (count > (stepOf(core, index).retry.maxThrottled ?? mostThrottled)) return undefined;
  put(core, index, count);
  return count;
}

/** Something else has come of the step: what comes now is not in a row with what was. */
export function forgetThrottles(core: RunCore, index: number): void {
  if (core.throttles.has(index)) put(core, index, 0);
}

function put({ throttles, undo }: RunCore, index: number, count: number): void {
  const before = throttles.get(index) ?? 0;
  undo.onRollback(() => set(throttles, index, before));
  set(throttles, index, count);
}

function set(throttles: Map<number, number>, index: number, count: number): void {
  if (count > 0) throttles.set(index, count);
  else throttles.delete(index);
}
