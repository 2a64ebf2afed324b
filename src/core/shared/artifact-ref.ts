import type { JsonObject } from './json.js';

/**
 * Stands for a value that lies in the artifact store: what a step is given, what events and views show, in place of a big output. It can be read within
 * the run that it names and nowhere else, and what is read is what has the digest, or nothing.
 */
export interface ArtifactRef extends JsonObject {
  /** `sha256:` and 64 lower-case hex digits: the digest of the value's canonical JSON. */
  readonly $artifact: string;
  readonly runId: string;
  /** The step that made it. A label, as the members below are: only digest and run decide what is read. */
  readonly stepId: string;
  /** `output` for the output of a step, else what its agent called it. */
  readonly name: string;
  /** Size of the canonical JSON, in bytes of UTF-8. */
  readonly bytes: number;
  /** The beginning of it, 200 characters at most. */
  readonly preview: string;
}

type Member = '$artifact' | 'runId' | 'stepId' | 'name' | 'bytes' | 'preview';

const address = /^sha256:[0-9a-f]{64}$/;

/** Whether a value has the form of an {@link ArtifactRef}. What it points to may not be there all the same. */
export function isArtifactRef(value: unknown): value is ArtifactRef {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { $artifact, runId, stepId, name, bytes, preview } = value as Readonly<Partial<Record<Member, unknown>>>;
  const areTexts = [runId, stepId, name, preview].every((member) => typeof member === 'string');
  return areTexts && typeof $artifact === 'string' && address.test($artifact) && typeof bytes === 'number';
}
