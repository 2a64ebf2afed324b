import type { Conflict, ConflictValue, Reducer } from '../../ports/reducer.js';
import { pointerOf } from '../../shared/issue.js';
import type { Json, JsonObject } from '../../shared/json.js';
import { groupEqual, valuesOf, withConflicts } from './reduced.js';

/**
 * Objects put into each other, member by member and all the way down. Where writers gave different values for a place, the first of them in
 * the plan is right, and what each gave is on record. Lists are not put together: two that differ are a conflict.
 */
export const merge: Reducer = (contributions) => {
  const conflicts: Conflict[] = [];
  const output = mergeAt([], valuesOf(contributions), conflicts);
  return withConflicts(output, conflicts);
};

function mergeAt(path: readonly string[], writers: readonly ConflictValue[], conflicts: Conflict[]): Json {
  const [leading] = writers;
  if (writers.length === 1) return leading!.value;
  const objects = writers.flatMap(({ value, ...writer }) => (isObject(value) ? [{ ...writer, value }] : []));
  if (objects.length === writers.length) {
    return Object.fromEntries(
      Array.from(membersOf(objects), ([name, given]) => [name, mergeAt([...path, name], given, conflicts)]),
    );
  }
  if (groupEqual(writers, ({ value }) => value).length > 1)
    conflicts.push({ pointer: pointerOf(path), values: writers, chosen: leading!.from });
  return leading!.value;
}

/** Who gave what for each member, members in the order in which they first come up. */
function membersOf(
  objects: readonly (Omit<ConflictValue, 'value'> & { readonly value: JsonObject })[],
): ReadonlyMap<string, readonly ConflictValue[]> {
  const members = new Map<string, ConflictValue[]>();
  for (const { value, ...writer } of objects) {
    for (const [name, given] of Object.entries(value)) {
      if (given === undefined) continue;
      const known = members.get(name);
      if (known) known.push({ ...writer, value: given });
      else members.set(name, [{ ...writer, value: given }]);
    }
  }
  return members;
}

const isObject = (value: Json): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);
