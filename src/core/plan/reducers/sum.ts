import type { ConflictValue, Reducer } from '../../ports/reducer.js';
import { pointerOf } from '../../shared/issue.js';
import type { Json, JsonObject } from '../../shared/json.js';
import { valuesOf } from './reduced.js';
import { ReducerInputError } from './reducer-input-error.js';

/** Numbers added up, or objects of numbers member by member and all the way down; a member that one does not have counts as 0. */
export const sum: Reducer = (contributions) => sumAt([], valuesOf(contributions));

function sumAt(path: readonly string[], addends: readonly ConflictValue[]): Json {
  if (typeof addends[0]?.value === 'number') return addends.reduce((total, addend) => total + numberOf(addend, path), 0);
  const members = new Map<string, ConflictValue[]>();
  for (const addend of addends) {
    for (const [name, value] of Object.entries(objectOf(addend, path))) {
      if (value === undefined) continue;
      const known = members.get(name);
      if (known) known.push({ ...addend, value });
      else members.set(name, [{ ...addend, value }]);
    }
  }
  return Object.fromEntries(Array.from(members, ([name, given]) => [name, sumAt([...path, name], given)]));
}

function numberOf({ from, value }: ConflictValue, path: readonly string[]): number {
  if (typeof value === 'number') return value;
  throw new ReducerInputError(from, pointerOf(path), value, 'a number as with the others');
}

function objectOf({ from, value }: ConflictValue, path: readonly string[]): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new ReducerInputError(from, pointerOf(path), value, 'a number, or an object of numbers as with the others');
}
