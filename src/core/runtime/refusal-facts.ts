import type { Json } from '../shared/json.js';
import { isThrown } from '../shared/thrown.js';
import { ResourceRefusedError } from './errors.js';

/** The figures of a refusal, to be kept with the step that it was an attempt of. Nothing for any other error. */
export function refusalFactsOf(thrown: unknown): Readonly<Record<string, Json>> {
  if (!isThrown(thrown, ResourceRefusedError)) return {};
  const { resource, reason, limit, waiting, since, waitedMs } = thrown;
  return { resource, reason, limit, waiting, since, waitedMs };
}
