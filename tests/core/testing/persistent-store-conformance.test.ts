import { describe, expect, it } from 'vitest';

import { createMemoryStore } from '../../../src/storage/memory.js';
import { persistentStoreConformance, type StoreMedium } from '../../../src/testing.js';
import type { RunStore } from '../../../src/core/ports/store.js';
import { createMemoryMedium } from '../../storage/support/memory-medium.js';

type Open = () => RunStore;

/** Media that are wrong in one way each, and words from the cases that must catch it. */
const faults: Readonly<Record<string, { readonly breaks: readonly RegExp[]; readonly fault: (sound: Open) => StoreMedium }>> = {
  'is not there the next time': {
    breaks: [/finds after close/, /never closed/, /sees at once/],
    fault: () => ({ open: createMemoryStore }),
  },
  'brings something with it': {
    breaks: [/finds nothing/],
    fault: (open) => ({ open: () => ({ ...open(), list: createBusyList() }) }),
  },
  'drops the parts that others have stored': {
    breaks: [/many times/],
    fault: (open) => ({
      open() {
        const store = open();
        const own = new Set<string>();
        return {
          ...store,
          commit: async (next) => {
            const foreign = Object.keys((await store.load(next.runId))?.checkpoint ?? {}).filter((name) => !own.has(name));
            const none = Object.fromEntries(foreign.map((name): [string, null] => [name, null]));
            for (const name of Object.keys(next.checkpoint ?? {})) own.add(name);
            return store.commit({ ...next, ...(next.checkpoint && { checkpoint: { ...none, ...next.checkpoint } }) });
          },
        };
      },
    }),
  },
  'forgets leases': {
    breaks: [/fences, owners and leases/, /never closed/],
    fault: (open) => ({
      open() {
        const store = open();
        const own = new Set<string>();
        return {
          ...store,
          claim: async (request) => {
            const answer = await store.claim(request);
            if (answer.kind === 'claimed') own.add(request.owner);
            return answer.kind === 'held' && !own.has(answer.owner)
              ? store.claim({ ...request, insteadOf: answer.owner })
              : answer;
          },
        };
      },
    }),
  },
  'forgets fences': {
    breaks: [/fences, owners and leases/],
    fault: (open) => ({
      open() {
        const store = open();
        return {
          ...store,
          commit: async (next) => {
            const { fence = 0 } = (await store.load(next.runId)) ?? {};
            return store.commit({ ...next, fence });
          },
        };
      },
    }),
  },
  'loses what was answered just before close()': {
    breaks: [/answered when it was closed/, /finds after close/],
    fault: (open) => ({
      open() {
        const store = open();
        return { ...store, commit: lossy(store) };
      },
    }),
  },
  'keeps at most a megabyte': {
    breaks: [/10 MB/],
    fault: (open) => ({
      open() {
        const store = open();
        return {
          ...store,
          commit: async (next) => (JSON.stringify(next).length > 1_000_000 ? { bytes: 0 } : store.commit(next)),
        };
      },
    }),
  },
  'writes when it is closed': {
    breaks: [/never closed/, /sees at once/, /knows of renewals/],
    fault: (open) => {
      const kept = open();
      const pending: (() => Promise<unknown>)[] = [];
      return {
        open: () => {
          const own = createMemoryStore();
          const both = <Given, Answer>(call: (store: RunStore, given: Given) => Promise<Answer>) => {
            return async (given: Given): Promise<Answer> => {
              pending.push(() => call(kept, given));
              return call(own, given);
            };
          };
          return {
            ...own,
            commit: both((store, next: Parameters<RunStore['commit']>[0]) => store.commit(next)),
            claim: both((store, request: Parameters<RunStore['claim']>[0]) => store.claim(request)),
            close: async () => {
              for (const write of pending.splice(0)) await write().catch(() => undefined);
              await own.close();
            },
          };
        },
      };
    },
  },
  'writes behind what another wrote, whatever the writer expects': {
    breaks: [/one of two stores create/, /writers of two stores/, /whatever is called first/],
    fault: (open) => ({
      open() {
        const store = open();
        return {
          ...store,
          commit: (next) =>
            store.commit(next).catch(async () => {
              const { seq = 0, fence = 0 } = (await store.load(next.runId)) ?? {};
              const entries = next.entries.map((entry, index) => ({ ...entry, seq: seq + 1 + index }));
              return store.commit({ ...next, expectedSeq: seq, fence, entries });
            }),
        };
      },
    }),
  },
  'grants a run once for each store': {
    breaks: [/owners of two stores/, /renewals and releases/],
    fault: (open) => ({
      open() {
        const store = open();
        const own = new Set<string>();
        return {
          ...store,
          claim: async (request) => {
            own.add(request.owner);
            const answer = await store.claim(request);
            return answer.kind === 'held' && !own.has(answer.owner)
              ? store.claim({ ...request, insteadOf: answer.owner })
              : answer;
          },
        };
      },
    }),
  },
  'closes for all': {
    breaks: [/when one side is closed/],
    fault: () => {
      const kept = createMemoryStore();
      return { open: () => kept };
    },
  },
  'reads what a newer version wrote': {
    breaks: [/newer version/],
    fault: (open) => ({ open, writeVersion: () => undefined }),
  },
};

const createBusyList = (): RunStore['list'] => async () => ({ runs: [], cursor: 'more' });

/** Answers each tenth commit without writing it. */
function lossy(store: RunStore): RunStore['commit'] {
  let count = 0;
  return async (next) => {
    count += 1;
    return count % 10 === 0 ? { bytes: 0 } : store.commit(next);
  };
}

const caughtBy = new Map<string, Promise<readonly string[]>>();
const namesOf = (fault: string): Promise<readonly string[]> => {
  const known = caughtBy.get(fault) ?? findCases(fault);
  caughtBy.set(fault, known);
  return known;
};

async function findCases(fault: string): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { name, run } of persistentStoreConformance()) {
    const create = (): StoreMedium => {
      const sound = createMemoryMedium();
      return { ...sound, ...faults[fault]!.fault(() => sound.open() as RunStore) };
    };
    await run(create).catch(() => failed.push(name));
  }
  return failed;
}

describe('conformance of stores that outlive their process', () => {
  for (const [name, { breaks }] of Object.entries(faults)) {
    it(`catches a store that ${name}`, async () => {
      const caught = (await namesOf(name)).join('\n');
      for (const found of breaks) expect(caught).toMatch(found);
    });
  }

  it('has no case that catches nothing', async () => {
    const caught = new Set((await Promise.all(Object.keys(faults).map(namesOf))).flat());
    const names = persistentStoreConformance().map(({ name }) => name);
    expect(names.filter((name) => !caught.has(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('skips only what it is given a reason for', () => {
    const reasons = { unclosed: 'one process', concurrent: 'one at a time', versions: 'none yet' };
    const skipped = (skip?: typeof reasons) =>
      persistentStoreConformance(skip).flatMap(({ skipReason }) => (skipReason === undefined ? [] : [skipReason]));
    expect(skipped()).toEqual([]);
    expect(new Set(skipped(reasons))).toEqual(new Set(Object.values(reasons)));
    expect(persistentStoreConformance(reasons)[0]).not.toHaveProperty('skipReason');
  });
});
