import type { IdSource } from '../ports/clock.js';

export interface SequentialIdsOptions {
  /** Put before the number. Default: `run`. */
  readonly prefix?: string;
}

/** An {@link IdSource} that gives `run-0001`, `run-0002` and so on: the same ids in every test. */
export function createSequentialIds({ prefix = 'run' }: SequentialIdsOptions = {}): IdSource {
  let last = 0;
  return () => `${prefix}-${String(++last).padStart(4, '0')}`;
}
