import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createAdmission, type Waiting } from '../../../src/core/limits/admission.js';
import type { ResourceLimit } from '../../../src/core/ports/proposal.js';

interface Job extends Waiting {
  readonly name: string;
  readonly durationMs: number;
}

interface Start {
  readonly job: Job;
  readonly at: number;
}

/** Lets jobs come, work and go in virtual time, until nothing is left that can be done. */
function simulate(jobs: readonly Job[]): { readonly starts: readonly Start[]; readonly refused: readonly Job[] } {
  const admission = createAdmission<Job>();
  const coming = [...jobs].sort((a, b) => a.since - b.since);
  const working: { readonly job: Job; readonly endsAt: number }[] = [];
  const starts: Start[] = [];
  const refused: Job[] = [];
  for (let now = 0; ;) {
    while (coming[0] && coming[0].since <= now) {
      admission.add(coming.shift()!);
    }
    for (let job = admission.next(now); job; job = admission.next(now)) {
      starts.push({ job, at: now });
      working.push({ job, endsAt: now + job.durationMs });
    }
    refused.push(...admission.refused(now).map(({ item }) => item));
    const next = Math.min(
      coming[0]?.since ?? Infinity,
      ...working.map(({ endsAt }) => endsAt),
      admission.wakeAt(now) ?? Infinity,
    );
    if (next === Infinity) break;
    now = next;
    for (let place = working.length - 1; place >= 0; place -= 1)
      if (working[place]!.endsAt <= now) admission.release(working.splice(place, 1)[0]!.job);
  }
  expect(admission.waiting).toBe(0);
  return { starts, refused };
}

const limits: Readonly<Record<string, ResourceLimit>> = {
  gpu: { concurrency: 3 },
  search: { concurrency: 2, limit: 3, intervalMs: 50 },
  mail: { limit: 2, intervalMs: 30 },
};

const job = fc
  .record({
    tenant: fc.constantFrom('', 'acme', 'bolt'),
    owner: fc.constantFrom('a', 'b', 'c'),
    uses: fc.dictionary(fc.constantFrom(...Object.keys(limits)), fc.integer({ min: 1, max: 2 }), { maxKeys: 2 }),
    priority: fc.nat({ max: 2 }),
    urgency: fc.nat({ max: 5 }),
    since: fc.nat({ max: 200 }),
    durationMs: fc.nat({ max: 40 }),
  })
  .map(({ uses, ...rest }) => ({
    ...rest,
    claims: Object.entries(uses).map(([resource, amount]) => ({ resource, amount, limit: limits[resource]! })),
    kind: JSON.stringify(uses),
  }));
const jobs = fc.array(job, { maxLength: 60 }).map((list) => list.map((one, nth): Job => ({ ...one, name: String(nth) })));

describe('admission', () => {
  it('HB-41 HB-52 law: lets everything in, never more at once than there is, and never more in any interval than its limit', () => {
    fc.assert(
      fc.property(jobs, (given) => {
        const { starts } = simulate(given);
        expect(starts.map((start) => start.job.name).sort()).toEqual(given.map(({ name }) => name).sort());
        for (const [resource, { concurrency = Infinity, limit = Infinity, intervalMs = 1 }] of Object.entries(limits)) {
          const uses = starts.flatMap(({ job: { claims, durationMs }, at }) =>
            claims.filter((claim) => claim.resource === resource).map(({ amount }) => ({ amount, at, endsAt: at + durationMs })),
          );
          for (const { at } of uses) {
            const held = uses.filter((use) => use.at <= at && use.endsAt > at).reduce((sum, { amount }) => sum + amount, 0);
            expect(held).toBeLessThanOrEqual(concurrency);
            expect(uses.filter((use) => use.at >= at && use.at < at + intervalMs).length).toBeLessThanOrEqual(limit);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('law: of one owner and equal claims, higher priority goes first, then what has more behind it, then who came first', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ priority: fc.nat({ max: 2 }), urgency: fc.nat({ max: 3 }) })), (ranks) => {
        const claims = [{ resource: 'x', amount: 1, limit: { concurrency: 1 } }];
        const given = ranks.map((rank, nth): Job => ({
          ...rank,
          ...{ tenant: '', owner: 'a', claims, kind: 'x', since: 0, durationMs: 1, name: `${nth}` },
        }));
        const order = simulate(given).starts.map((start) => start.job);
        const expected = [...given].sort(
          (a, b) => b.priority - a.priority || b.urgency - a.urgency || Number(a.name) - Number(b.name),
        );
        expect(order.map(({ name }) => name)).toEqual(expected.map(({ name }) => name));
      }),
    );
  });

  const one = (parts: Partial<Job>): Job => ({
    ...{ tenant: '', owner: 'a', claims: [], kind: '', priority: 1, urgency: 0, since: 0, durationMs: 10, name: '' },
    ...parts,
  });
  const claiming = (amount: number, limit: ResourceLimit) => [{ resource: 'tool', amount, limit }];

  it('HB-41 shares turns out evenly, so that many of one owner do not hold up few of another', () => {
    const claims = claiming(1, { concurrency: 1 });
    const many = Array.from({ length: 1_000 }, (_, nth) => one({ claims, kind: 'tool', name: `many ${nth}` }));
    const few = Array.from({ length: 4 }, (_, nth) => one({ owner: 'b', since: 5, claims, kind: 'tool', name: `few ${nth}` }));
    const { starts } = simulate([...many, ...few]);
    const ends = starts.filter((start) => start.job.owner === 'b').map(({ at }) => at);
    expect(Math.max(...ends)).toBeLessThanOrEqual(90);
  });

  it('HB-41 shares turns out evenly among tenants, however many runs each of them has', () => {
    const claims = claiming(1, { concurrency: 1 });
    const many = Array.from({ length: 1_000 }, (_, nth) =>
      one({ tenant: 'acme', owner: `run ${nth % 50}`, claims, kind: 'tool', name: `many ${nth}` }),
    );
    const few = Array.from({ length: 4 }, (_, nth) =>
      one({ tenant: 'bolt', owner: 'b', since: 5, claims, kind: 'tool', name: `few ${nth}` }),
    );
    const starts = simulate([...many, ...few]).starts.filter((start) => start.job.tenant === 'bolt');
    // Every second turn is theirs.
    expect(Math.max(...starts.map(({ at }) => at))).toBeLessThanOrEqual(90);
  });

  it('HB-40 refuses what is of the tenant that has most waiting, where too many wait', () => {
    const admission = createAdmission<Job>();
    const claims = claiming(1, { concurrency: 1, maxQueued: 4 });
    const of = (tenant: string, owner: string, since: number): Job =>
      one({ tenant, owner, since, claims, kind: 'tool', name: `${tenant} ${owner} ${since}` });
    const jobs = [of('acme', 'a', 0), of('acme', 'a', 1), of('acme', 'a', 2), of('acme', 'c', 3), of('bolt', 'b', 4)];
    admission.add(of('', 'x', 0));
    expect(admission.next(0)?.owner).toBe('x');
    for (const job of jobs) admission.add(job);
    // The newest is of a tenant that has nothing else there.
    expect(admission.refused(4).map(({ item }) => item.name)).toEqual(['acme a 2']);
  });

  it('HB-41 holds up nobody who has many waiting for those who come one at a time', () => {
    const claims = claiming(1, { concurrency: 1 });
    const many = Array.from({ length: 10 }, (_, nth) => one({ claims, kind: 'tool', name: `many ${nth}` }));
    // There is always one more, of somebody who has nothing else waiting.
    const single = Array.from({ length: 500 }, (_, nth) =>
      one({ owner: `b${nth % 2}`, since: nth * 9, claims, kind: 'tool', name: `${nth}` }),
    );
    const { starts } = simulate([...many, ...single]);
    const ends = starts.filter((start) => start.job.owner === 'a').map(({ at }) => at);
    expect(Math.max(...ends)).toBeLessThanOrEqual(300);
  });

  it('lets nothing starve that takes much, though what takes little would always fit', () => {
    const limit = { concurrency: 2 };
    const big = one({ owner: 'big', claims: claiming(2, limit), kind: '2', since: 1, name: 'big' });
    // There is always one at work, and another comes before it ends.
    const small = Array.from({ length: 2_000 }, (_, nth) =>
      one({ claims: claiming(1, limit), kind: '1', since: nth * 5, name: `${nth}` }),
    );
    const { starts } = simulate([big, ...small]);
    expect(starts.findIndex((start) => start.job === big)).toBeLessThan(400);
  });

  it.each<[string, ResourceLimit, number]>([
    ['a rate', { limit: 1, intervalMs: 100_000 }, 0],
    ['a tool that hangs', { concurrency: 1 }, 100_000],
  ])('HB-42 lets nobody wait for %s who does not use it, however often who does is passed over', (_, limit, durationMs) => {
    const [tool, pool] = [
      { resource: 'tool', amount: 1, limit },
      { resource: 'pool', amount: 1, limit: { concurrency: 20 } },
    ];
    const users = ['1', '2'].map((name) => one({ owner: 'user', claims: [pool, tool], kind: 'tool', name, durationMs }));
    const others = Array.from({ length: 2_000 }, (_item, nth) =>
      one({ since: nth + 1, claims: [pool], kind: '', name: `other ${nth}` }),
    );
    const { starts } = simulate([...users, ...others]);
    for (const { job: other, at } of starts) if (other.owner === 'a') expect(at).toBeLessThanOrEqual(other.since + 20);
  });

  it('HB-40 refuses what would wait behind too many, or has waited too long, with the limit', () => {
    const admission = createAdmission<Job>();
    const limit = { concurrency: 1, maxQueued: 1, maxWaitMs: 20 };
    const [first, second, third] = ['1', '2', '3'].map((name) => one({ name, claims: claiming(1, limit), kind: 'tool' }));
    for (const job of [first, second, third]) admission.add(job!);
    expect(admission.next(0)).toBe(first);
    expect(admission.next(0)).toBeUndefined();
    expect(admission.refused(0)).toEqual([
      { item: third, refusal: { code: 'RESOURCE_QUEUE_FULL', resource: 'tool', limit: 1, waiting: 2, since: 0, at: 0 } },
    ]);
    const figure = { kind: 'concurrency', concurrency: 1, inUse: 1, amount: 1 };
    expect(admission.waitsOf('a', 0)).toEqual([
      { item: second, wait: { resource: 'tool', limit: figure, place: 1, of: 1, since: 0 } },
    ]);
    expect(admission.wakeAt(0)).toBe(20);
    expect(admission.refused(19)).toEqual([]);
    const refusal = { code: 'RESOURCE_WAIT_EXCEEDED', resource: 'tool', limit: 20, waiting: 1, since: 0, at: 20 };
    expect(admission.refused(20)).toEqual([{ item: second, refusal }]);
    expect(admission.waiting).toBe(0);
  });

  it('law: says of all that wait in which place they stand, and in that order they go', () => {
    const waiting = fc.record({
      tenant: fc.constantFrom('', 't'),
      owner: fc.constantFrom('a', 'b', 'c'),
      priority: fc.nat({ max: 2 }),
      urgency: fc.nat({ max: 2 }),
    });
    fc.assert(
      fc.property(fc.array(waiting, { maxLength: 30 }), fc.nat({ max: 30 }), (ranks, gone) => {
        const admission = createAdmission<Job>();
        const claims = claiming(1, { concurrency: 1 });
        const given = ranks.map((rank, nth) => one({ ...rank, claims, kind: 'tool', name: `${nth}` }));
        for (const item of given) admission.add(item);
        let working = admission.next(0);
        const serve = (): Job => {
          admission.release(working!);
          return (working = admission.next(0))!;
        };
        // The turns of owners are somewhere in the middle by then.
        for (let nth = 0; nth < gone && admission.waiting > 0; nth += 1) serve();
        const places = ['a', 'b', 'c'].flatMap((owner) => admission.waitsOf(owner, 0));
        expect(places.map(({ wait }) => wait.of)).toEqual(places.map(() => admission.waiting));
        const order = places.toSorted((before, after) => before.wait.place - after.wait.place).map(({ item }) => item.name);
        expect(order).toHaveLength(admission.waiting);
        expect(order.map(() => serve().name)).toEqual(order);
      }),
      { numRuns: 300 },
    );
  });

  it.each<[string, ResourceLimit, object]>([
    ['what is in use', { concurrency: 2 }, { limit: { kind: 'concurrency', concurrency: 2, inUse: 1, amount: 2 } }],
    ['how many have started', { limit: 1, intervalMs: 50 }, { limit: { kind: 'rate', limit: 1, intervalMs: 50 }, opensAt: 50 }],
  ])('says %s, and when that opens', (_, limit, expected) => {
    const admission = createAdmission<Job>();
    admission.add(one({ claims: claiming(1, limit), kind: '1', name: 'first' }));
    admission.add(one({ claims: claiming(2, limit), kind: '2', name: 'second', since: 7 }));
    expect(admission.next(0)?.name).toBe('first');
    expect(admission.waitsOf('a', 10)).toMatchObject([{ item: { name: 'second' }, wait: { ...expected, place: 1, since: 7 } }]);
    admission.holdUntil('tool', 99);
    if ('limit' in limit) expect(admission.waitsOf('a', 10)[0]?.wait).toMatchObject({ limit: { kind: 'pause' }, opensAt: 99 });
    expect(admission.waitsOf('nobody', 10)).toEqual([]);
  });

  it('takes what is no longer wanted out of the line', () => {
    const admission = createAdmission<Job>();
    const waits = one({ claims: claiming(1, { concurrency: 1 }), kind: 'tool' });
    admission.add(waits);
    admission.remove(waits);
    expect(admission.next(0)).toBeUndefined();
  });
});
