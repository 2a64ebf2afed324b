import type { RunCore } from './run-core.js';

/**
 * The agenda: what follows from an input for many steps, as rows of three numbers: what to do, for which step, and how far it
 * has come.
 */
export const rowLength = 3;
export const task = { propagate: 0, releaseRoots: 1, sweep: 2, recover: 3, tellGoal: 4, tellDoubt: 5, shed: 6 } as const;

/** The step has settled: its dependents are told, once. */
export function schedulePropagation(core: RunCore, index: number): void {
  if (core.columns.told[index] === 1) return;
  core.undo.set(core.columns.told, index, 1);
  schedule(core, task.propagate, index);
  if (core.steps[index]!.added) schedule(core, task.tellGoal, index);
}

/** A step that was added may have happened, and nobody knows: its goal hears of it. */
export function scheduleDoubt(core: RunCore, index: number): void {
  if (core.steps[index]!.added) schedule(core, task.tellDoubt, index);
}

/** Steps without dependencies may start. */
export const scheduleRoots = (core: RunCore): void => schedule(core, task.releaseRoots, 0);

/** A ticket is left out, unless it has begun. */
export const scheduleShed = (core: RunCore, index: number): void => schedule(core, task.shed, index);

/** Every step that has not begun is cancelled, every one under way is told to end. */
export const scheduleSweep = (core: RunCore): void => schedule(core, task.sweep, 0);

/** Every step is taken up where a process that was lost has left it. What is left of an earlier recovery is part of this one. */
export function scheduleRecovery(core: RunCore): void {
  const { agenda, run, undo, steps } = core;
  for (let row = run.agendaHead; row < agenda.length; row += rowLength) {
    if (agenda[row] !== task.recover) continue;
    const done = agenda[row + 2]!;
    undo.onRollback(() => (agenda[row + 2] = done));
    agenda[row + 2] = steps.length;
  }
  schedule(core, task.recover, 0);
}

const schedule = (core: RunCore, kind: number, index: number): void => void core.agenda.push(kind, index, 0);
