import type { RaisedCeilings } from '../ports/budget.js';
import type { RunCore } from './run-core.js';

/** Ceilings that only a run as a whole has, as they stand by now; infinite for none. */
export function runLimits({ run, materialized }: RunCore): { readonly maxSteps: number; readonly maxDurationMs: number } {
  const { budget } = materialized.definition;
  const raised: RaisedCeilings = run.raised.find(({ owner }) => owner.kind === 'run')?.ceilings ?? {};
  return {
    maxSteps: raised.maxSteps ?? budget.maxSteps ?? Infinity,
    maxDurationMs: raised.maxDurationMs ?? budget.maxDurationMs ?? Infinity,
  };
}

/** How long the run has been under way, as far as its time is limited; 0 where it is not. */
export function timeUsed(core: RunCore, at: number): number {
  const { deadlineAt } = core.run;
  return deadlineAt === 0 ? 0 : runLimits(core).maxDurationMs - (deadlineAt - at);
}
