export type { ArtifactRef } from '../shared/artifact-ref.js';

/** Where an artifact lies. Runs share nothing: the same content in two runs is two artifacts. */
export interface ArtifactKey {
  /** Any text, also one that is no safe name of a file. */
  readonly runId: string;
  /** `sha256:` and 64 lower-case hex digits: the digest of the content. */
  readonly address: string;
}

/** A value that is too big for a journal, as text. */
export interface Artifact extends ArtifactKey {
  /** Canonical JSON. */
  readonly content: string;
}

/**
 * Keeps big outputs beside the journals of runs. A new store is one file that passes the published `artifactStoreConformance`.
 *
 * What a store throws, and what it does not answer in time, costs an attempt and nothing else: see `artifacts` of `createOrchestrator`.
 */
export interface ArtifactStore {
  /**
   * Keeps an artifact; durable when it resolves, in the sense of the store at hand. Is called again with the same artifact after a crash, and
   * by several processes at once: that changes nothing. What is under that key already has the same content, or is damaged and is replaced.
   */
  put(artifact: Artifact): Promise<void>;
  /** The content; `undefined` where there is none under exactly that run and address. */
  get(key: ArtifactKey): Promise<string | undefined>;
  /** Drops all artifacts of a run; none are there to drop after a second call. planwright never calls it: for how long they are kept is the application's affair. */
  deleteRun(runId: string): Promise<void>;
}
