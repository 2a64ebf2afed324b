import { describe, expect, it } from 'vitest';

import { storeConformance } from '../../../src/core/testing/store-conformance.js';
import { createMemoryStore } from '../../../src/storage/memory.js';
import type { Commit, RunStore, StoredRun } from '../../../src/core/ports/store.js';

type Fault = (sound: RunStore) => Partial<RunStore>;

/** Stores that are wrong in one way each, and a word from a case that must catch it. */
const faults: Record<string, { readonly breaks: RegExp; readonly fault: Fault }> = {
  'swallows conflicts': {
    breaks: /two concurrent writers/,
    fault: ({ commit }) => ({ commit: (next) => commit(next).catch(() => ({ bytes: 0 })) }),
  },
  'forgets the fence': {
    breaks: /older fence/,
    fault: ({ claim }) => ({
      claim: async (request) => {
        const answer = await claim(request);
        return answer.kind === 'claimed' ? { ...answer, fence: 1 } : answer;
      },
    }),
  },
  'mends entries with holes': {
    breaks: /hole/,
    fault: ({ commit }) => ({
      commit: (next) =>
        commit({ ...next, entries: next.entries.map((entry, i) => ({ ...entry, seq: next.expectedSeq + 1 + i })) }),
    }),
  },
  'cuts ids at a NUL': {
    breaks: /text of every kind/,
    fault: ({ commit, load }) => ({
      commit: (next) => commit({ ...next, runId: next.runId.split('\0')[0] ?? '' }),
      load: (runId) => load(runId.split('\0')[0] ?? ''),
    }),
  },
  'shares what it was given': {
    breaks: /later changes/,
    fault: ({ commit, load }) => {
      const given = new Map<string, Commit>();
      return {
        commit: async (next) => {
          given.set(next.runId, next);
          return commit(next);
        },
        load: async (runId): Promise<StoredRun | undefined> => {
          const stored = await load(runId);
          return stored && { ...stored, journal: given.get(runId)?.entries ?? [] };
        },
      };
    },
  },
  'drops the checkpoint': {
    breaks: /newest checkpoint/,
    fault: ({ commit }) => ({ commit: ({ checkpoint: _checkpoint, ...next }) => commit(next) }),
  },
  'ignores the page size': {
    breaks: /page by page/,
    fault: ({ list }) => ({ list: ({ limit: _limit, ...filter } = {}) => list(filter) }),
  },
  'ignores the filter': {
    breaks: /filters by status/,
    fault: ({ list }) => ({ list: ({ status: _status, ...filter } = {}) => list(filter) }),
  },
  'stays open after close()': { breaks: /after close/, fault: () => ({ close: async () => undefined }) },
};

describe('store conformance', () => {
  for (const [name, { breaks, fault }] of Object.entries(faults)) {
    it(`catches a store that ${name}`, async () => {
      const create = (): RunStore => {
        const sound = createMemoryStore();
        return { ...sound, ...fault(sound) };
      };
      const outcomes = await Promise.allSettled(storeConformance.map(({ run }) => run(create)));
      const failed = storeConformance.filter((_, index) => outcomes[index]?.status === 'rejected').map((found) => found.name);
      expect(failed.join('\n')).toMatch(breaks);
    });
  }
});
