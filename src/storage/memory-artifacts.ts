import type { ArtifactStore } from '../core/ports/artifact.js';

/**
 * An artifact store that keeps what it is given in this process and nowhere else, until it is deleted: for tests, for demos, and beside a
 * memory store.
 *
 * @example
 * const orchestrator = createOrchestrator({ artifacts: { store: createMemoryArtifacts() }, agents });
 */
export function createMemoryArtifacts(): ArtifactStore {
  const runs = new Map<string, Map<string, string>>();
  return {
    async put({ runId, address, content }) {
      const artifacts = runs.get(runId) ?? new Map<string, string>();
      runs.set(runId, artifacts.set(address, content));
    },
    async get({ runId, address }) {
      return runs.get(runId)?.get(address);
    },
    async deleteRun(runId) {
      runs.delete(runId);
    },
  };
}
