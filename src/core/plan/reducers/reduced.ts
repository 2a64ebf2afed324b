import type { Conflict, Contribution, ConflictValue, Reduced } from '../../ports/reducer.js';
import { canonicalJson } from '../../shared/canonical-json.js';
import type { Json } from '../../shared/json.js';

const made = new WeakSet<object>();

/**
 * What a reducer returns that has found its contributions to disagree: the value, and a record of the places where they do.
 *
 * @example
 * const lowest: Reducer = (contributions) => {
 *   const values = contributions.map(({ stepId, role, output }) => ({ from: stepId, role, value: output }));
 *   return withConflicts(Math.min(...contributions.map(({ output }) => Number(output))), [{ pointer: '', values }]);
 * };
 */
export function withConflicts(output: Json, conflicts: readonly Conflict[]): Reduced {
  const reduced = Object.freeze({ output, conflicts });
  made.add(reduced);
  return reduced;
}

/** Whether a value came from {@link withConflicts}: an output may look like one. */
export const isReduced = (value: unknown): value is Reduced => typeof value === 'object' && value !== null && made.has(value);

/** What each contribution gave, as a conflict lists it. */
export const valuesOf = (contributions: readonly Contribution[]): readonly ConflictValue[] =>
  contributions.map(({ stepId, role, output }) => ({ from: stepId, role, value: output }));

/** Contributions by their value, each group in plan order, groups by their first member. */
export function groupEqual<T>(items: readonly T[], valueOf: (item: T) => Json): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const text = canonicalJson(valueOf(item));
    const group = groups.get(text);
    if (group) group.push(item);
    else groups.set(text, [item]);
  }
  return [...groups.values()];
}

/** The whole output of one contribution, with the others on record where they differ. */
export function choose(contributions: readonly Contribution[], chosen: Contribution): Reduced {
  const isAgreed = groupEqual(contributions, ({ output }) => output).length === 1;
  return withConflicts(chosen.output, isAgreed ? [] : [{ pointer: '', values: valuesOf(contributions), chosen: chosen.stepId }]);
}
