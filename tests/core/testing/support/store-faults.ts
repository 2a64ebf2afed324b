import { setImmediate } from 'node:timers/promises';

import { InvariantError } from '../../../../src/core/shared/error.js';
import { jsonFault } from '../../../../src/core/shared/json-fault.js';
import { StoreConflictError, StoreValueError } from '../../../../src/core/shared/store-error.js';
import { entriesOf, summaryOf } from '../../../../src/core/testing/store-samples.js';
import type { CheckpointParts, Commit, RunStore, StoredRun } from '../../../../src/core/ports/store.js';

/** A way to be wrong: the methods that differ from those of a sound store. */
export interface StoreFault {
  /** Words from the cases that must catch it. */
  readonly breaks: readonly RegExp[];
  readonly fault: (sound: RunStore) => Partial<RunStore>;
}

/** A fault that changes what is committed on its way in. */
const onCommit = (change: (commit: Commit) => Commit): StoreFault['fault'] => {
  return ({ commit }) => ({ commit: async (next) => commit(change(next)) });
};
/** A fault that changes what is loaded on its way out. */
const onLoad = (change: (run: StoredRun) => StoredRun | undefined): StoreFault['fault'] => {
  return ({ load }) => ({
    load: async (runId) => {
      const run = await load(runId);
      return run && change(run);
    },
  });
};
const cutAtNul = (text: string): string => text.split('\0')[0] ?? '';
const throughText = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const shorten = <T>(value: T): T =>
  (typeof value === 'string' && value.length > 1_000_000 ? value.slice(0, 1_000_000) : value) as T;
const shortenMembers = <T extends object>(value: T): T =>
  Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      typeof member === 'object' && member !== null && !Array.isArray(member)
        ? shortenMembers(member as object)
        : shorten(member),
    ]),
  ) as T;

const reading: Readonly<Record<string, StoreFault>> = {
  'loads the newest entries only': {
    breaks: [/over several commits/],
    fault: onLoad((run) => ({ ...run, journal: run.journal.slice(-3) })),
  },
  'makes up runs': {
    breaks: [/never committed/, /puts? down nothing/],
    fault: ({ load }) => ({
      load: async (runId) => (await load(runId)) ?? { summary: summaryOf({ runId }), seq: 0, fence: 0, journal: [] },
    }),
  },
  'drops the checkpoint': { breaks: [/newest checkpoint/], fault: onCommit(({ checkpoint: _, ...next }) => next) },
  'cuts ids at a NUL': {
    breaks: [/text of every kind/],
    fault: ({ commit, load }) => ({
      commit: (next) => commit({ ...next, runId: cutAtNul(next.runId) }),
      load: (runId) => load(cutAtNul(runId)),
    }),
  },
  'cuts what is large': {
    breaks: [/an output of 10 MB/, /a part of 10 MB/],
    fault: onCommit((next) => ({
      ...next,
      entries: next.entries.map(shortenMembers),
      ...(next.checkpoint && { checkpoint: shortenMembers(next.checkpoint) }),
    })),
  },
  'reads a journal from its start': {
    breaks: [/any part of a journal/],
    fault: ({ journal }) => ({ journal: (runId, { after: _, ...range } = {}) => journal(runId, range) }),
  },
  'gives 100 entries by default': {
    breaks: [/1,000 entries/],
    fault: ({ journal }) => ({ journal: (runId, range) => journal(runId, { limit: 100, ...range }) }),
  },
  'counts places instead of seq': {
    breaks: [/after a compaction/],
    fault: ({ load }) => ({
      journal: async (runId, { after = 0, limit = 1_000 } = {}) =>
        ((await load(runId))?.journal ?? []).slice(after, after + limit),
    }),
  },
  'throws for the journal of no run': {
    breaks: [/entries of a run that is not there/],
    fault: ({ journal, load }) => ({
      journal: async (runId, range) => {
        if (!(await load(runId))) throw new InvariantError('No such run.');
        return journal(runId, range);
      },
    }),
  },
};

/** Requests of one turn of the queue of promises, carried out together by `perform`. */
function together<Ask>(perform: (group: readonly (() => Promise<Ask>)[]) => Promise<PromiseSettledResult<Ask>[]>) {
  let waiting: (() => Promise<Ask>)[] = [];
  let turn: Promise<PromiseSettledResult<Ask>[]> | undefined;
  return async (ask: () => Promise<Ask>): Promise<Ask> => {
    const place = waiting.push(ask) - 1;
    turn ??= Promise.resolve().then(() => {
      const group = waiting;
      waiting = [];
      turn = undefined;
      return perform(group);
    });
    const outcome = (await turn)[place];
    if (outcome?.status !== 'fulfilled') throw outcome?.reason;
    return outcome.value;
  };
}

const writing: Readonly<Record<string, StoreFault>> = {
  'swallows conflicts': {
    breaks: [/two concurrent writers/, /many writers/, /behind or ahead/, /comes out of order/],
    fault: ({ commit }) => ({ commit: (next) => commit(next).catch(() => ({ bytes: 0 })) }),
  },
  'creates what is there': {
    breaks: [/two concurrent creators/, /other runs be/],
    fault: ({ commit, load }) => ({
      commit: (next) =>
        commit(next).catch(async (error: unknown) => {
          const { seq = 0 } = (await load(next.runId)) ?? {};
          if (next.expectedSeq > 0) throw error;
          return commit({
            ...next,
            expectedSeq: seq,
            entries: next.entries.map((entry, at) => ({ ...entry, seq: seq + 1 + at })),
          });
        }),
    }),
  },
  'writes the checkpoint of a commit that it refuses': {
    breaks: [/behind or ahead/],
    fault: ({ commit, load }) => ({
      commit: (next) =>
        commit(next).catch(async (error: unknown) => {
          const { seq: expectedSeq = 0, fence = 0 } = (await load(next.runId)) ?? {};
          if (next.checkpoint && expectedSeq > 0) await commit({ ...next, expectedSeq, fence, entries: [] });
          throw error;
        }),
    }),
  },
  'mends entries with holes': {
    breaks: [/hole/],
    fault: onCommit((next) => ({
      ...next,
      entries: next.entries.map((entry, at) => ({ ...entry, seq: next.expectedSeq + 1 + at })),
    })),
  },
  'shares what it was given': {
    breaks: [/later changes/],
    fault: ({ commit, load }) => {
      const given = new Map<string, Commit>();
      return {
        commit: async (next) => {
          given.set(next.runId, next);
          return commit(next);
        },
        load: async (runId) => {
          const stored = await load(runId);
          return stored && { ...stored, journal: given.get(runId)?.entries ?? [] };
        },
      };
    },
  },
  'takes the newest of what waits first': {
    breaks: [/in the order in which they come/, /comes out of order/],
    fault: ({ commit }) => {
      const join = together<{ readonly bytes: number }>(async (group) => {
        const outcomes: PromiseSettledResult<{ readonly bytes: number }>[] = [];
        for (const ask of group.toReversed()) outcomes.unshift(...(await Promise.allSettled([ask()])));
        return outcomes;
      });
      return { commit: (next) => join(() => commit(next)) };
    },
  },
  'refuses a group for one of it': {
    breaks: [/other runs be/, /comes out of order/],
    fault: ({ commit }) => {
      const join = together<{ readonly bytes: number }>(async (group) => {
        const outcomes = await Promise.allSettled(group.map((ask) => ask()));
        const failed = outcomes.find(({ status }) => status === 'rejected');
        return outcomes.map((outcome) => failed ?? outcome);
      });
      return { commit: (next) => join(() => commit(next)) };
    },
  },
  'refuses a claim while it writes': {
    breaks: [/claims and commits of the same moment/],
    fault: ({ commit, claim }) => {
      let writing = 0;
      return {
        commit: async (next) => {
          writing += 1;
          await setImmediate();
          return commit(next).finally(() => (writing -= 1));
        },
        claim: async (request) => {
          await Promise.resolve();
          if (writing > 0) throw new StoreConflictError(request.runId, 0, 0);
          return claim(request);
        },
      };
    },
  },
  'cannot count bytes': {
    breaks: [/what a commit has cost/],
    fault: ({ commit }) => ({ commit: async (next) => ({ bytes: (await commit(next)).bytes / 0 }) }),
  },
  'mends the id of a summary': {
    breaks: [/summary of another run/],
    fault: onCommit((next) => ({ ...next, summary: { ...next.summary, runId: next.runId } })),
  },
  'writes what JSON makes of it': {
    breaks: [/what JSON cannot hold/, /makes no run/],
    fault: onCommit(throughText),
  },
  'refuses members that are undefined': {
    breaks: [/undefined for absent/],
    fault: onCommit((next) => {
      if (hasUndefined([next.entries, next.summary, next.checkpoint ?? {}])) throw new StoreValueError(next.runId, 'undefined');
      return next;
    }),
  },
  'assigns members': {
    breaks: [/members whatever they are called/, /any text for the name of a part/],
    fault: onLoad((run) => assigned(run) as StoredRun),
  },
  'rounds numbers': {
    breaks: [/to the last digit/],
    fault: onLoad(
      (run) =>
        JSON.parse(JSON.stringify(run), (_, value: unknown) =>
          typeof value === 'number' ? Number(value.toPrecision(12)) : value,
        ) as StoredRun,
    ),
  },
  'refuses what is nested deep': {
    breaks: [/1,000 levels/],
    fault: onCommit((next) => {
      if (jsonFault(next) === undefined && JSON.stringify(next).includes('[{"a":'.repeat(200))) {
        throw new StoreValueError(next.runId, 'too deep');
      }
      return next;
    }),
  },
};

const hasUndefined = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  jsonFault(value) === undefined &&
  Object.values(value).some((member) => member === undefined || hasUndefined(member));

function assigned(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(assigned);
  const copy: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) copy[key] = assigned(member);
  return copy;
}

const checkpoints: Readonly<Record<string, StoreFault>> = {
  'replaces a checkpoint whole': {
    breaks: [/merges the parts/],
    fault: ({ commit, load }) => ({
      commit: async (next) => {
        const before = next.checkpoint && (await load(next.runId))?.checkpoint;
        const none = Object.fromEntries(Object.keys(before ?? {}).map((name): [string, null] => [name, null]));
        return commit(next.checkpoint ? { ...next, checkpoint: { ...none, ...next.checkpoint } } : next);
      },
    }),
  },
  'keeps a part that is null': {
    breaks: [/merges the parts/],
    fault: onCommit((next) => ({ ...next, ...(next.checkpoint && { checkpoint: withoutNull(next.checkpoint) }) })),
  },
  'trims the names of parts': {
    breaks: [/any text for the name of a part/],
    fault: onCommit((next) => ({
      ...next,
      ...(next.checkpoint && {
        checkpoint: Object.fromEntries(Object.entries(next.checkpoint).map(([name, part]) => [name.trim(), part])),
      }),
    })),
  },
  'refuses a commit without entries': {
    breaks: [/checkpoint without entries/],
    fault: onCommit((next) => {
      if (next.entries.length === 0) throw new InvariantError('No entries.');
      return next;
    }),
  },
  'makes a run of a checkpoint': {
    breaks: [/checkpoint without entries/],
    fault: onCommit((next) =>
      next.expectedSeq === 0 && next.entries.length === 0 && next.checkpoint
        ? { ...next, entries: entriesOf({ from: 1 }) }
        : next,
    ),
  },
  'keeps what is dropped': {
    breaks: [/drops compacted entries/, /compacts with a checkpoint/],
    fault: onCommit(({ compactTo: _, ...next }) => next),
  },
  'counts anew after a compaction of everything': {
    breaks: [/goes on counting/],
    fault: onLoad((run) => ({ ...run, seq: run.journal.at(-1)?.seq ?? 0 })),
  },
  'compacts with entries only': {
    breaks: [/checkpoint and no entries/],
    fault: onCommit(({ compactTo = 0, ...next }) => (next.entries.length === 0 ? next : { ...next, compactTo })),
  },
  'compacts as far as there is something': {
    breaks: [/beyond the newest/],
    fault: onCommit(({ compactTo, ...next }) => ({
      ...next,
      ...(compactTo !== undefined && {
        compactTo: Math.max(0, Math.min(Math.floor(compactTo) || 0, next.expectedSeq + next.entries.length)),
      }),
    })),
  },
};

const withoutNull = (parts: CheckpointParts): CheckpointParts =>
  Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== null));

export const commitFaults: Readonly<Record<string, StoreFault>> = { ...reading, ...writing, ...checkpoints };
