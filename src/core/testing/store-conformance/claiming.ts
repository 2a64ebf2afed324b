import { type ConformanceCase, ConformanceError, expectSame } from '../conformance-case.js';
import { hostileText } from '../store-samples.js';
import { createRuns, fenceOf, storeCase } from './store-case.js';
import type { RunStore } from '../../ports/store.js';

const at = 1_000_000;
const leaseMs = 100;
const one = { runId: 'r', owner: 'one', at, leaseMs };
const two = { runId: 'r', owner: 'two', at: at + 1, leaseMs };
const held = { kind: 'held', owner: 'one', until: at + leaseMs };

/** Who may drive a run, and for how long. */
export const claiming: readonly ConformanceCase<RunStore>[] = [
  storeCase('raises the fence with each claim, also of the same owner', async (store) => {
    await createRuns(store, 'r');
    let newest = 0;
    for (const claim of [one, one, { ...two, at: at + leaseMs }, { ...one, at: at + 2 * leaseMs }]) {
      const answer = await store.claim(claim);
      const fence = answer.kind === 'claimed' ? answer.fence : 0;
      if (fence <= newest) throw new ConformanceError('the fence of the next claim', `more than ${newest}`, answer);
      expectSame('the claim', { actual: answer, expected: { kind: 'claimed', fence, seq: 1 } });
      expectSame('the fence that load() gives', { actual: (await store.load('r'))?.fence, expected: fence });
      newest = fence;
    }
  }),
  storeCase('says of a run that is held who holds it, and until when', async (store) => {
    await createRuns(store, 'r');
    const fence = await fenceOf(store, one);
    expectSame('at once', { actual: await store.claim(two), expected: held });
    const last = { ...two, at: at + leaseMs - 1 };
    expectSame('a moment before the end', { actual: await store.claim(last), expected: held });
    expectSame('the fence', { actual: (await store.load('r'))?.fence, expected: fence });
    expectSame('when the time is up', { actual: (await store.claim({ ...two, at: at + leaseMs })).kind, expected: 'claimed' });
  }),
  storeCase('lets a claim put down nothing for a run that is not there', async (store) => {
    expectSame('a claim', { actual: await store.claim(one), expected: { kind: 'unknown-run' } });
    expectSame('the run', { actual: await store.load('r'), expected: undefined });
    expectSame('the listing', { actual: await store.list(), expected: { runs: [] } });
    await createRuns(store, 'r');
    expectSame('the fence', { actual: (await store.load('r'))?.fence, expected: 0 });
  }),
  storeCase('gives a run on when its owner released it, or all that it holds', async (store) => {
    await createRuns(store, 'q', 'r');
    await store.claim(one);
    await store.claim({ ...one, runId: 'q' });
    await store.release({ owner: 'two' });
    await store.release({ owner: 'two', runId: 'r' });
    expectSame('a release by another', { actual: await store.claim(two), expected: held });
    await store.release({ owner: 'one', runId: 'r' });
    expectSame('the released run', { actual: (await store.claim(two)).kind, expected: 'claimed' });
    expectSame('the other run', { actual: await store.claim({ ...two, runId: 'q' }), expected: held });
    await store.release({ owner: 'one' });
    expectSame('after a release of all', { actual: (await store.claim({ ...two, runId: 'q' })).kind, expected: 'claimed' });
    await store.release({ owner: 'one' });
    await store.release({ owner: 'one', runId: 'no such run' });
    expectSame('what another took since', {
      actual: await store.claim({ ...one, at: at + 2 }),
      expected: { kind: 'held', owner: 'two', until: at + 1 + leaseMs },
    });
  }),
  storeCase('passes over the owner that is known to have died, and over no other', async (store) => {
    await createRuns(store, 'q', 'r');
    await store.claim(one);
    await store.claim({ ...one, runId: 'q' });
    expectSame('instead of another', { actual: await store.claim({ ...two, insteadOf: 'three' }), expected: held });
    expectSame('instead of the asker', { actual: await store.claim({ ...two, insteadOf: 'two' }), expected: held });
    const instead = await store.claim({ ...two, insteadOf: 'one' });
    expectSame('instead of the holder', { actual: instead.kind, expected: 'claimed' });
    expectSame('a run that nobody asked for instead', { actual: await store.claim({ ...two, runId: 'q' }), expected: held });
  }),
  storeCase('lengthens the lease of an owner for all that it holds', async (store) => {
    const runIds = ['p', 'q', 'r'];
    await createRuns(store, ...runIds);
    for (const runId of runIds) await store.claim({ ...one, runId });
    await store.renew({ owner: 'one', at: at + 50, leaseMs });
    const until = at + 50 + leaseMs;
    for (const runId of runIds) {
      expectSame('before its new end', {
        actual: await store.claim({ ...two, runId, at: until - 1 }),
        expected: { kind: 'held', owner: 'one', until },
      });
    }
    await store.renew({ owner: 'one', at: at + 60, leaseMs: 1 });
    await store.claim({ ...one, runId: 'p', leaseMs: 1 });
    expectSame('after a shorter renewal', {
      actual: await store.claim({ ...two, at: until - 1 }),
      expected: { kind: 'held', owner: 'one', until },
    });
    expectSame('at its new end', { actual: (await store.claim({ ...two, at: until })).kind, expected: 'claimed' });
  }),
  storeCase('counts a lease that ran out and was renewed before anyone else came', async (store) => {
    await createRuns(store, 'r');
    await store.claim(one);
    await store.renew({ owner: 'one', at: at + 500, leaseMs });
    expectSame('after the renewal', {
      actual: await store.claim({ ...two, at: at + 501 }),
      expected: { kind: 'held', owner: 'one', until: at + 500 + leaseMs },
    });
  }),
  storeCase('gives nothing back to an owner that renews after another took over', async (store) => {
    await createRuns(store, 'r');
    await store.claim(one);
    await store.claim({ ...two, at: at + 200 });
    await store.renew({ owner: 'one', at: at + 201, leaseMs: 10_000 });
    await store.renew({ owner: 'three', at: at + 201, leaseMs: 10_000 });
    expectSame('the run', {
      actual: await store.claim({ ...one, at: at + 202 }),
      expected: { kind: 'held', owner: 'two', until: at + 200 + leaseMs },
    });
    expectSame('after the lease of the new owner', {
      actual: (await store.claim({ ...two, owner: 'four', at: at + 200 + leaseMs })).kind,
      expected: 'claimed',
    });
  }),
  storeCase('grants exactly one of several claims at once, and each round anew', async (store) => {
    await createRuns(store, 'r');
    for (let round = 0; round < 10; round += 1) {
      const owners = Array.from({ length: 6 }, (_, index) => `${round}-${index}`);
      const now = at + round * leaseMs;
      const answers = await Promise.all(owners.map((owner) => store.claim({ runId: 'r', owner, at: now, leaseMs })));
      const granted = owners.filter((_, index) => answers[index]?.kind === 'claimed');
      expectSame('owners that were granted the run', { actual: granted.length, expected: 1 });
      const newest = (await store.load('r'))?.fence;
      for (const answer of answers) {
        if (answer.kind === 'claimed') expectSame('the newest fence', { actual: newest, expected: answer.fence });
        else expectSame('the others', { actual: answer, expected: { kind: 'held', owner: granted[0], until: now + leaseMs } });
      }
    }
  }),
  storeCase('tells owners apart, whatever they are called', async (store) => {
    await createRuns(store, 'r');
    let holder: string | undefined;
    for (const [index, owner] of hostileText.entries()) {
      const now = at + index * leaseMs;
      if (holder !== undefined) {
        expectSame(`a claim of ${JSON.stringify(owner)}`, {
          actual: await store.claim({ runId: 'r', owner, at: now - 1, leaseMs }),
          expected: { kind: 'held', owner: holder, until: now },
        });
      }
      await fenceOf(store, { runId: 'r', owner, at: now, leaseMs });
      holder = owner;
    }
  }),
];
