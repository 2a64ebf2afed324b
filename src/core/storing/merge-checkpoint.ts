import type { CheckpointParts } from '../ports/store.js';

/** A checkpoint after a commit: the parts that were given take the place of those of the same name, `null` takes one away. */
export function mergeCheckpoint(
  stored: CheckpointParts | undefined,
  given: CheckpointParts | undefined,
): CheckpointParts | undefined {
  if (given === undefined) return stored;
  // By entries, because a part may go by the name of something that objects inherit.
  const parts = new Map(Object.entries(stored ?? {}));
  for (const [name, part] of Object.entries(given)) {
    if (part === null) parts.delete(name);
    else parts.set(name, part);
  }
  return parts.size === 0 ? undefined : Object.fromEntries(parts);
}
