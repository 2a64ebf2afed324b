import { setImmediate } from 'node:timers/promises';

import fc from 'fast-check';
import { createGroupCommit, InvariantError, type GroupedRequest } from 'planwright';
import { describe, expect, it } from 'vitest';

type Fate = 'answered' | 'refused' | 'forgotten' | 'group fails';
interface Ask {
  readonly id: number;
  readonly fate: Fate;
}
const refused = (id: number): string => `refused ${id}`;

/** Answers as the fates say, and breaks down in the end where one of the group says so. */
function answerAll(group: readonly GroupedRequest<Ask, number>[]): void {
  for (const { ask, resolve, reject } of group) {
    if (ask.fate === 'refused') reject(refused(ask.id));
    else if (ask.fate !== 'forgotten') resolve(ask.id);
    // Only the first answer counts.
    if (ask.fate === 'answered') reject('changed its mind');
  }
  if (group.some(({ ask }) => ask.fate === 'group fails')) throw new Error(`group of ${group[0]?.ask.id ?? ''} failed`);
}

const fates = fc.constantFrom<Fate>('answered', 'answered', 'answered', 'refused', 'forgotten', 'group fails');
/** What is asked for, in turns of the event loop. */
const turns = fc.array(fc.array(fates, { maxLength: 6 }), { maxLength: 6 });

describe('group commit', () => {
  it('keeps order, one transaction at a time, and gives every request its answer, whatever fails', async () => {
    await fc.assert(
      fc.asyncProperty(turns, fc.integer({ min: 1, max: 5 }), fc.nat(3), async (asked, limit, pause) => {
        const groups: (readonly Ask[])[] = [];
        let inside = 0;
        const commits = createGroupCommit<Ask, number>({
          limit,
          async perform(group) {
            inside += 1;
            expect(inside).toBe(1);
            groups.push(group.map(({ ask }) => ask));
            for (let turn = 0; turn < pause; turn += 1) await setImmediate();
            inside -= 1;
            answerAll(group);
          },
        });
        const asks: Ask[] = [];
        const answers: Promise<PromiseSettledResult<number>>[] = [];
        for (const turn of asked) {
          for (const fate of turn) {
            const ask = { id: asks.length, fate };
            asks.push(ask);
            answers.push(Promise.allSettled([commits.add(ask)]).then(([outcome]) => outcome));
          }
          await setImmediate();
        }
        await commits.idle();
        expect(groups.flat()).toEqual(asks);
        expect(groups.every((group) => group.length >= 1 && group.length <= limit)).toBe(true);
        for (const [id, outcome] of (await Promise.all(answers)).entries()) {
          const group = groups.find((members) => members.some((ask) => ask.id === id)) ?? [];
          expect(outcome).toMatchObject(expectedOutcome(asks[id]!, group));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('joins what is asked for in one turn, and what comes while a transaction is on its way', async () => {
    const sizes: number[] = [];
    const commits = createGroupCommit<number, number>({
      async perform(group) {
        sizes.push(group.length);
        if (sizes.length === 1) later = [7, 8].map((ask) => commits.add(ask));
        await setImmediate();
        for (const { ask, resolve } of group) resolve(ask);
      },
    });
    let later: readonly Promise<number>[] = [];
    const first = Promise.all([1, 2, 3].map((ask) => commits.add(ask)));
    // Also what follows from a promise of the same turn.
    const second = Promise.resolve().then(() => commits.add(4));
    expect(await first).toEqual([1, 2, 3]);
    expect(await second).toBe(4);
    await commits.idle();
    expect(await Promise.all(later)).toEqual([7, 8]);
    expect(sizes).toEqual([4, 2]);
  });

  it('joins what follows from the answers of a group into the next one', async () => {
    const sizes: number[] = [];
    const commits = createGroupCommit<number, number>({
      perform(group) {
        sizes.push(group.length);
        for (const { ask, resolve } of group) resolve(ask);
      },
    });
    const chain = async (length: number): Promise<void> => {
      for (let step = 0; step < length; step += 1) {
        await commits.add(step);
        // Chains need different numbers of turns of the queue of promises until they write again.
        for (let turn = 0; turn < length; turn += 1) await Promise.resolve();
      }
    };
    await Promise.all(Array.from({ length: 20 }, () => chain(10)));
    expect(sizes).toEqual(Array.from({ length: 10 }, () => 20));
  });

  it('tells nobody of success before the transaction has ended', async () => {
    let isDurable = false;
    const commits = createGroupCommit<string, string>({
      async perform([request]) {
        request?.resolve('written');
        await setImmediate();
        isDurable = true;
      },
    });
    expect(await commits.add('a').then((answer) => [answer, isDurable])).toEqual(['written', true]);
  });

  it('rejects a whole group whose transaction fails at its end, and carries out the next', async () => {
    const failure = new Error('disk full');
    let groups = 0;
    const commits = createGroupCommit<string, string>({
      perform(group) {
        for (const { ask, resolve } of group) resolve(ask);
        groups += 1;
        if (groups === 1) throw failure;
      },
    });
    const first = Promise.allSettled([commits.add('a'), commits.add('b')]);
    expect(await first).toEqual([
      { status: 'rejected', reason: failure },
      { status: 'rejected', reason: failure },
    ]);
    expect(await commits.add('c')).toBe('c');
  });

  it('is idle where nothing was asked for', async () => {
    const commits = createGroupCommit<string, string>({ perform: () => undefined });
    await commits.idle();
    await expect(commits.add('a')).rejects.toBeInstanceOf(InvariantError);
    await commits.idle();
  });

  it.each([0, -1, NaN])('refuses a limit of %d, under which nothing would ever be done', (limit) => {
    expect(() => createGroupCommit({ perform: () => undefined, limit })).toThrow(InvariantError);
  });
});

/** What a request of a group must hear. */
function expectedOutcome(ask: Ask, group: readonly Ask[]): object {
  if (group.some(({ fate }) => fate === 'group fails')) {
    return { status: 'rejected', reason: { message: `group of ${group[0]?.id ?? ''} failed` } };
  }
  if (ask.fate === 'refused') return { status: 'rejected', reason: refused(ask.id) };
  if (ask.fate === 'forgotten') return { status: 'rejected', reason: { code: 'INVARIANT' } };
  return { status: 'fulfilled', value: ask.id };
}
