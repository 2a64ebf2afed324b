import type { Json } from '../shared/json.js';
import type { CheckpointParts } from '../ports/store.js';

/** A checkpoint after a commit: the parts that were given take the place of those of the same name, `null` takes one away. */
export function mergeCheckpoint(
  stored: CheckpointParts | undefined,
  given: CheckpointParts | undefined,
): CheckpointParts | undefined {
  if (given === undefined) return stored;
  const parts = new Map(Object.entries(stored ?? {}));
  mergeParts(parts, given);
  return checkpointOf(parts);
}

/** The same for a store that keeps parts by name, without a copy of those that stay. */
export function mergeParts(parts: Map<string, Json>, given: CheckpointParts): void {
  // A part may be `undefined` where a caller is not strict; it is then absent, as everywhere in JSON.
  for (const [name, part] of Object.entries<Json | undefined>(given)) {
    if (part === null) parts.delete(name);
    else if (part !== undefined) parts.set(name, part);
  }
}

/** Parts as a checkpoint; `undefined` where there are none. */
export function checkpointOf(parts: ReadonlyMap<string, Json>): CheckpointParts | undefined {
  // From entries, because a part may go by the name of something that objects inherit.
  return parts.size === 0 ? undefined : Object.fromEntries(parts);
}
