import type { Artifact, ArtifactStore } from '../ports/artifact.js';
import type { Clock } from '../ports/clock.js';
import { isArtifactRef, type ArtifactRef } from '../shared/artifact-ref.js';
import { canonicalJson } from '../shared/canonical-json.js';
import { sha256Hex } from '../shared/digest.js';
import type { Json } from '../shared/json.js';
import { StoreCorruptError } from '../shared/store-error.js';
import { ArtifactNotFoundError, ArtifactUnavailableError } from './artifact-errors.js';
import { messageOf } from '../shared/thrown.js';
import { tryThrice } from './try-thrice.js';
import { withinLimit } from './within-limit.js';

/** Where big outputs go, and from which size on. */
export interface ArtifactOptions {
  readonly store: ArtifactStore;
  /** Outputs with more bytes of canonical JSON than this go to the store. Default: 65,536 (64 KiB). `Infinity`: only what agents put there. */
  readonly thresholdBytes?: number;
  /** How long one call of the store may take, in milliseconds. It is tried three times. Default: 10,000. */
  readonly timeoutMs?: number;
}

/** Who makes an artifact, and what it is called. */
export interface ArtifactOrigin {
  readonly runId: string;
  readonly stepId: string;
  readonly name: string;
}

/** An artifact store as the runtime uses it: bounded in time, checked by digest. */
export interface Artifacts {
  /** What the journal is to hold of an output: itself, or a reference to it that is durable. @throws what {@link put} and {@link read} throw. */
  putAway(from: ArtifactOrigin, output: Json): Promise<Json>;
  /** @throws ArtifactUnavailableError, CanonicalJsonError */
  put(from: ArtifactOrigin, content: Json): Promise<ArtifactRef>;
  /** The value that a reference of a run stands for. @throws ArtifactNotFoundError, ArtifactUnavailableError, StoreCorruptError */
  read(runId: string, ref: unknown): Promise<Json>;
}

const previewLength = 200;

export function createArtifacts({
  store,
  thresholdBytes = 65_536,
  timeoutMs = 10_000,
  clock,
}: ArtifactOptions & { readonly clock: Clock }): Artifacts {
  /** One call of the store, which is somebody else's code: it may throw, return no promise, or never answer. */
  const callOnce = async <T>(operation: 'put' | 'get', call: () => Promise<T>): Promise<T> => {
    const work = (async () => call())();
    const limit = `it did not answer within ${timeoutMs} ms (createOrchestrator's artifacts.timeoutMs)`;
    if (!(await withinLimit(clock, timeoutMs, work))) throw new ArtifactUnavailableError(operation, limit);
    try {
      return await work;
    } catch (cause) {
      throw new ArtifactUnavailableError(operation, messageOf(cause, 'The store'), { cause });
    }
  };
  const call = async <T>(operation: 'put' | 'get', once: () => Promise<T>): Promise<T | undefined> =>
    tryThrice(clock, () => callOnce(operation, once));

  const putText = async (from: ArtifactOrigin, content: string): Promise<ArtifactRef> => {
    const ref = refTo(from, content);
    const artifact: Artifact = { runId: from.runId, address: ref.$artifact, content };
    await call('put', () => store.put(artifact));
    return ref;
  };

  const read = async (runId: string, ref: unknown): Promise<Json> => {
    const { $artifact: address } = checkRef(runId, ref);
    const content: unknown = await call('get', () => store.get({ runId, address }));
    if (content === undefined)
      throw new ArtifactNotFoundError(runId, ref, 'nothing was put under that digest, or it was deleted.');
    if (typeof content === 'string' && addressOf(content) === address) return JSON.parse(content) as Json;
    throw new StoreCorruptError(
      `Artifact ${address} of run ${runId}`,
      'What is stored does not have the digest that it was put under.',
    );
  };

  return {
    read,
    put: async (from, content) => putText(from, canonicalJson(content)),
    async putAway(from, output) {
      if (isArtifactRef(output)) {
        // Whoever reads the output is to find what it points to, in this run.
        await read(from.runId, output);
        return output;
      }
      const content = canonicalJson(output);
      return bytesOf(content, thresholdBytes) > thresholdBytes ? await putText(from, content) : output;
    },
  };
}

/** @throws ArtifactNotFoundError for what is no reference, and for one to another run. */
function checkRef(runId: string, ref: unknown): ArtifactRef {
  if (!isArtifactRef(ref)) throw new ArtifactNotFoundError(runId, ref, 'that is no reference. Pass one on as it was given.');
  if (ref.runId === runId) return ref;
  throw new ArtifactNotFoundError(
    runId,
    ref,
    `it belongs to run "${ref.runId}", and artifacts are read within their own run only.`,
  );
}

const addressOf = (content: string): string => `sha256:${sha256Hex(content)}`;

function refTo({ runId, stepId, name }: ArtifactOrigin, content: string): ArtifactRef {
  const preview = content.slice(0, previewLength).toWellFormed();
  return { $artifact: addressOf(content), runId, stepId, name, bytes: Buffer.byteLength(content), preview };
}

/** The size of a text, looked at closely only where that decides anything: a character takes one to three bytes. */
const bytesOf = (content: string, threshold: number): number =>
  content.length * 3 <= threshold ? content.length : Buffer.byteLength(content);
