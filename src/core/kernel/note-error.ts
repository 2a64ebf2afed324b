import type { StoredError } from '../ports/run.js';
import type { RunCore } from './run-core.js';

/** Keeps why a step failed or is in doubt. */
export function noteError(core: RunCore, index: number, error: StoredError): void {
  putBackOnRollback(core, index);
  core.errors.set(index, error);
}

/** The step is not in doubt any more. */
export function forgetError(core: RunCore, index: number): void {
  if (!core.errors.has(index)) return;
  putBackOnRollback(core, index);
  core.errors.delete(index);
}

function putBackOnRollback({ errors, undo, dirty }: RunCore, index: number): void {
  dirty.errors.mark(index);
  const before = errors.get(index);
  undo.onRollback(() => {
    if (before) errors.set(index, before);
    else errors.delete(index);
  });
}
