import type { Allowance } from '../ports/usage.js';
import { countAsTry } from './fallbacks.js';
import { callsAgent, stepOf, tryOf, type RunCore } from './run-core.js';
import { forgetThrottles } from './throttles.js';

/** Asks for an attempt at a step that is ready: the next one, or the present one again. Its allowance is reserved. */
export function askForAttempt(core: RunCore, index: number, allowance: Allowance): void {
  const { run, columns, undo } = core;
  if (columns.again[index]! > 0) {
    if (columns.again[index] === 2) countAsTry(core, index);
    undo.set(columns.again, index, 0);
    countAsAsked(core, index);
    return pushStart(core, index, { allowance, id: askedId(core, index) });
  }
  forgetThrottles(core, index);
  if (tryOf(core, index) === 0) run.stepsStarted += 1;
  undo.add(columns.attempt, index, 1);
  if (columns.lost[index] !== 0) undo.set(columns.lost, index, 0);
  noteAsked(core, index);
  countAsAsked(core, index);
  pushStart(core, index, { allowance });
}

/** The next command asks for an attempt: its id is kept, because the attempt may have to be asked for again under it. */
export function noteAsked({ run, columns, undo, out }: RunCore, index: number): void {
  undo.set(columns.askedSeq, index, run.seq);
  undo.set(columns.askedPlace, index, out.length);
}

/** Id of the command that first asked for the step's present attempt. */
export const askedId = ({ columns }: RunCore, index: number): string =>
  `${columns.askedSeq[index]!}.${columns.askedPlace[index]!}`;

function countAsAsked({ columns, undo, ledger, steps }: RunCore, index: number): void {
  if (callsAgent(steps[index]!)) ledger.expect(index, -1);
  undo.set(columns.issued, index, 1);
}

/** Asks for an attempt that holds what was reserved for it, under the id that it had. The step is ready. */
export function askAgain(core: RunCore, index: number): void {
  if (core.columns.issued[index] === 0) countAsAsked(core, index);
  pushStart(core, index, { allowance: allowanceOf(core, index), id: askedId(core, index) });
}

/** What the attempt of a step may spend, as the ledger holds it. */
export const allowanceOf = (core: RunCore, index: number): Allowance =>
  callsAgent(stepOf(core, index)) ? core.ledger.heldAllowance(index) : {};

function pushStart(core: RunCore, index: number, asked: { readonly allowance: Allowance; readonly id?: string }): void {
  const lostStarts = core.columns.lost[index]!;
  core.out.push({
    type: 'step.start',
    stepId: stepOf(core, index).id,
    attempt: core.columns.attempt[index]!,
    ...asked,
    ...(lostStarts > 0 && { lostStarts }),
  });
}
