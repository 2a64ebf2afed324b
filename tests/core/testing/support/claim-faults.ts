import { setImmediate } from 'node:timers/promises';

import { InvariantError } from '../../../../src/core/shared/error.js';
import { StoreConflictError } from '../../../../src/core/shared/store-error.js';
import { commitOf } from '../../../../src/core/testing/store-samples.js';
import type { ClaimRequest, RunFilter, RunStore, RunSummary } from '../../../../src/core/ports/store.js';
import type { StoreFault } from './store-faults.js';

const claims: Readonly<Record<string, StoreFault>> = {
  'forgets the fence': {
    breaks: [/raises the fence/, /older fence/],
    fault: ({ claim }) => ({
      claim: async (request) => {
        const answer = await claim(request);
        return answer.kind === 'claimed' ? { ...answer, fence: 1 } : answer;
      },
    }),
  },
  'keeps the fence of an owner that asks again': {
    breaks: [/raises the fence/, /fence before the newest/],
    fault: ({ claim, load }) => {
      const owners = new Map<string, string>();
      return {
        claim: async (request) => {
          const { seq, fence } = (await load(request.runId)) ?? { seq: 0, fence: 0 };
          if (owners.get(request.runId) === request.owner) return { kind: 'claimed', fence, seq };
          const answer = await claim(request);
          if (answer.kind === 'claimed') owners.set(request.runId, request.owner);
          return answer;
        },
      };
    },
  },
  'grants what is held': {
    breaks: [/who holds it/, /exactly one of several claims/, /passes over/],
    fault: ({ claim }) => ({
      claim: async (request) => {
        const answer = await claim(request);
        return answer.kind === 'held' ? claim({ ...request, insteadOf: answer.owner }) : answer;
      },
    }),
  },
  'makes a run of a claim': {
    breaks: [/put down nothing/],
    fault: ({ claim, commit }) => ({
      claim: async (request) => {
        const answer = await claim(request);
        if (answer.kind !== 'unknown-run') return answer;
        await commit(commitOf({ runId: request.runId, expectedSeq: 0 }));
        return claim(request);
      },
    }),
  },
  'releases nothing': { breaks: [/when its owner released it/], fault: () => ({ release: async () => undefined }) },
  'releases all for one': {
    breaks: [/when its owner released it/],
    fault: ({ release }) => ({ release: ({ owner }) => release({ owner }) }),
  },
  'releases for anyone': {
    breaks: [/when its owner released it/],
    fault: ({ release, claim }) => {
      const owners = new Map<string, string>();
      return {
        claim: async (request) => {
          const answer = await claim(request);
          if (answer.kind === 'claimed') owners.set(request.runId, request.owner);
          return answer;
        },
        release: async ({ owner, runId }) => {
          await release({ owner: owners.get(runId ?? '') ?? owner, ...(runId !== undefined && { runId }) });
        },
      };
    },
  },
  'passes over nobody': {
    breaks: [/passes over the owner/],
    fault: ({ claim }) => ({ claim: ({ insteadOf: _, ...request }) => claim(request) }),
  },
  'passes over anybody': {
    breaks: [/passes over the owner/],
    fault: ({ claim }) => ({
      claim: async (request) => {
        const answer = await claim(request);
        return answer.kind === 'held' && request.insteadOf !== undefined
          ? claim({ ...request, insteadOf: answer.owner })
          : answer;
      },
    }),
  },
  'renews nothing': {
    breaks: [/lengthens the lease/, /ran out and was renewed/],
    fault: () => ({ renew: async () => undefined }),
  },
  'lets a renewal shorten a lease': {
    breaks: [/lengthens the lease/],
    fault: ({ claim, renew }) => {
      const ends = new Map<string, number>();
      return {
        claim: async (request) => {
          const answer = await claim(request);
          const end = answer.kind === 'held' ? (ends.get(answer.owner) ?? answer.until) : 0;
          if (answer.kind === 'held' && end <= request.at) return claim({ ...request, insteadOf: answer.owner });
          return answer.kind === 'held' ? { ...answer, until: end } : answer;
        },
        renew: async (lease) => {
          ends.set(lease.owner, lease.at + lease.leaseMs);
          await renew(lease);
        },
      };
    },
  },
  'gives back by a renewal what was lost': {
    breaks: [/gives nothing back/],
    fault: ({ claim, renew, list }) => {
      const claimed: ClaimRequest[] = [];
      return {
        claim: async (request) => {
          const answer = await claim(request);
          if (answer.kind === 'claimed') claimed.push(request);
          return answer;
        },
        renew: async (lease) => {
          await renew(lease);
          for (const { runId } of (await list()).runs) {
            const insteadOf = claimed.findLast((request) => request.runId === runId)?.owner;
            const isFormer = claimed.some((request) => request.runId === runId && request.owner === lease.owner);
            if (isFormer && insteadOf !== undefined) await claim({ ...lease, runId, insteadOf });
          }
        },
      };
    },
  },
  'looks, waits, and then grants': {
    breaks: [/exactly one of several claims/],
    fault: ({ claim }) => {
      const ends = new Map<string, { readonly owner: string; readonly until: number }>();
      return {
        claim: async (request) => {
          const holder = ends.get(request.runId);
          if (holder && holder.until > request.at && holder.owner !== request.owner) return { kind: 'held', ...holder };
          await setImmediate();
          ends.set(request.runId, { owner: request.owner, until: request.at + request.leaseMs });
          const answer = await claim(request);
          return answer.kind === 'held' ? claim({ ...request, insteadOf: answer.owner }) : answer;
        },
      };
    },
  },
  'trims the names of owners': {
    breaks: [/tells owners apart/],
    fault: ({ claim }) => ({ claim: (request) => claim({ ...request, owner: request.owner.trim() }) }),
  },
};

/** Commits under whatever fence is right, where the store is lax in this way. */
const underAnyFence =
  (isLax: (fence: number, newest: number) => boolean): StoreFault['fault'] =>
  ({ commit, load }) => ({
    commit: async (next) => {
      const { fence: newest = 0 } = (await load(next.runId)) ?? {};
      return commit(isLax(next.fence, newest) ? { ...next, fence: newest } : next);
    },
  });

const fences: Readonly<Record<string, StoreFault>> = {
  'takes older fences': {
    breaks: [/older fence/, /fence before/, /without a claim/, /keeps the fence/],
    fault: underAnyFence((fence, newest) => fence < newest),
  },
  'takes fence 0 always': { breaks: [/without a claim/, /keeps the fence/], fault: underAnyFence((fence) => fence === 0) },
  'takes higher fences': {
    breaks: [/never given out/, /by themselves/],
    fault: underAnyFence((fence, newest) => fence > newest),
  },
  'refuses an owner whose time is up': {
    breaks: [/also when its lease has run out/],
    fault: ({ claim, commit }) => {
      const ends = new Map<string, number>();
      let now = 0;
      return {
        claim: async (request) => {
          now = Math.max(now, request.at);
          const answer = await claim(request);
          if (answer.kind === 'claimed') ends.set(request.runId, request.at + request.leaseMs);
          return answer;
        },
        commit: async (next) => {
          if ((ends.get(next.runId) ?? Infinity) < now) throw new StoreConflictError(next.runId, next.expectedSeq, 0);
          return commit(next);
        },
      };
    },
  },
  'frees a released run of its fence': {
    breaks: [/keeps the fence/],
    fault: (sound) => {
      const released = new Set<string>();
      return {
        release: async (hold) => {
          await sound.release(hold);
          if (hold.runId !== undefined) released.add(hold.runId);
        },
        load: async (runId) => {
          const run = await sound.load(runId);
          return run && { ...run, fence: released.has(runId) ? 0 : run.fence };
        },
      };
    },
  },
};

/** A listing of one page that ends anew, sorted and cut in this way. */
async function allRuns(list: RunStore['list'], filter: RunFilter): Promise<RunSummary[]> {
  const { after: _after, limit: _limit, ...rest } = filter;
  return [...(await list({ ...rest, limit: 100_000 })).runs];
}

const listings: Readonly<Record<string, StoreFault>> = {
  'ignores the page size': {
    breaks: [/page by page/],
    fault: ({ list }) => ({ list: ({ limit: _, ...filter } = {}) => list(filter) }),
  },
  'lists the first summary of each run': {
    breaks: [/newest summary/],
    fault: ({ commit, list }) => {
      const first = new Map<string, RunSummary>();
      return {
        commit: async (next) => {
          const receipt = await commit(next);
          if (!first.has(next.runId)) first.set(next.runId, next.summary);
          return receipt;
        },
        list: async (filter) => {
          const page = await list(filter);
          return { ...page, runs: page.runs.map((summary) => first.get(summary.runId) ?? summary) };
        },
      };
    },
  },
  'ignores a filter by status': {
    breaks: [/filters by status/],
    fault: ({ list }) => ({ list: ({ status: _, ...filter } = {}) => list(filter) }),
  },
  'ignores a filter by open': {
    breaks: [/filters by open/],
    fault: ({ list }) => ({ list: ({ open: _, ...filter } = {}) => list(filter) }),
  },
  'trims cursors': {
    breaks: [/runs of any name/],
    fault: ({ list }) => ({
      list: ({ after, ...filter } = {}) => list({ ...filter, ...(after !== undefined && { after: after.trim() }) }),
    }),
  },
  'compares parent tickets without case': {
    breaks: [/tells apart any parent ticket/],
    fault: ({ list }) => ({
      list: async ({ parentTicket, ...filter } = {}) => {
        if (parentTicket === undefined) return list(filter);
        const runs = await allRuns(list, filter);
        return { runs: runs.filter((run) => run.parentTicket?.toLowerCase() === parentTicket.toLowerCase()) };
      },
    }),
  },
  'counts runs to find the next page': {
    breaks: [/while others are added/],
    fault: ({ list }) => {
      const offsets = new Map<string, number>();
      return {
        list: async (filter = {}) => {
          const runs = await allRuns(list, filter);
          const { after, limit = 100 } = filter;
          const start = after === undefined ? 0 : (offsets.get(after) ?? runs.findIndex(({ runId }) => runId > after));
          const end = start + limit;
          const cursor = runs[end - 1]?.runId;
          if (cursor === undefined || end >= runs.length || start < 0) return { runs: start < 0 ? [] : runs.slice(start, end) };
          offsets.set(cursor, end);
          return { runs: runs.slice(start, end), cursor };
        },
      };
    },
  },
  'names a cursor on the last page': {
    breaks: [/only where there is more/],
    fault: ({ list }) => ({
      list: async (filter) => {
        const page = await list(filter);
        const cursor = page.runs.at(-1)?.runId;
        return cursor === undefined ? page : { ...page, cursor };
      },
    }),
  },
};

const closings: Readonly<Record<string, StoreFault>> = {
  'stays open after close()': { breaks: [/after close/], fault: () => ({ close: async () => undefined }) },
  'renews after close()': { breaks: [/after close/], fault: () => ({ renew: async () => undefined }) },
  'does not wait for what it writes': {
    breaks: [/settles what was being written/],
    fault: ({ commit }) => ({
      commit: async (next) => {
        await setImmediate();
        return commit(next);
      },
    }),
  },
  'cannot be closed twice': {
    breaks: [/closes once/],
    fault: ({ close }) => {
      let closed = false;
      return {
        close: async () => {
          if (closed) throw new InvariantError('Closed already.');
          closed = true;
          await close();
        },
      };
    },
  },
};

export const claimFaults: Readonly<Record<string, StoreFault>> = { ...claims, ...fences };
export const listingFaults: Readonly<Record<string, StoreFault>> = { ...listings, ...closings };
