import type { RunInput } from '../ports/run.js';
import { IllegalInputError } from './illegal-input-error.js';
import { moveStep } from './move-step.js';
import { armGate } from './step-timers.js';
import { publish, statusOf, stepOf, type RunCore } from './run-core.js';

/** Only a part of the plan was approved: every other step of the work waits, when its turn comes, until it is approved too. */
export function deferOthers(core: RunCore, approved: readonly string[]): void {
  const part = new Set(approved);
  core.steps.forEach(({ id, phase }, index) => {
    if (phase === 'work' && !part.has(id)) core.undo.set(core.columns.deferred, index, 1);
  });
}

/** More steps are approved; those that were waiting for it go on. */
export function onWiden(core: RunCore, input: Extract<RunInput, { readonly type: 'run.widen' }>): void {
  const { steps, approvedBy, at } = input;
  const indices = steps.map((stepId) => {
    const index = core.graph.indexOf.get(stepId);
    if (index !== undefined) return index;
    throw new IllegalInputError(input.type, core.run.lifecycle, stepId, 'the plan has no such step');
  });
  publish(core, { type: 'run.widened', steps, approvedBy });
  for (const index of indices) {
    const wasDeferred = core.columns.deferred[index] === 1;
    core.undo.set(core.columns.deferred, index, 0);
    if (!wasDeferred || statusOf(core, index) !== 'gated') continue;
    // A step at a gate of its own waits for that one still.
    if (stepOf(core, index).gate) armGate(core, index, at);
    else moveStep(core, index, 'APPROVE', { at });
  }
}
