import { setImmediate } from 'node:timers';

import { InvariantError } from '../shared/error.js';

/** One request of a group: what is asked for, and how to answer it. The first answer counts. */
export interface GroupedRequest<Ask, Answer> {
  readonly ask: Ask;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

export interface GroupCommitOptions<Ask, Answer> {
  /**
   * Carries out a group in one transaction and answers each request, before it ends. Each for itself: one that conflicts must not take the
   * others with it. The answers reach those who asked when it has ended, so that nobody is told of what is not durable yet. Where it throws, the
   * whole group is rejected with that, whatever was answered before.
   */
  readonly perform: (group: readonly GroupedRequest<Ask, Answer>[]) => Promise<void> | void;
  /** Requests in one transaction at most, from 1. Default: 1,000. */
  readonly limit?: number;
}

export interface GroupCommit<Ask, Answer> {
  /** Rejects as its request was rejected; with InvariantError where `perform` ended without an answer to it. */
  add(ask: Ask): Promise<Answer>;
  /** Resolves when nothing is left to answer. */
  idle(): Promise<void>;
}

/**
 * Joins requests of all runs into few transactions: those of one turn of the event loop go together, and those that come while a
 * transaction is on its way go into the next. Order is kept, and there is never more than one transaction at a time.
 */
export function createGroupCommit<Ask, Answer>({
  perform,
  limit = 1_000,
}: GroupCommitOptions<Ask, Answer>): GroupCommit<Ask, Answer> {
  if (!(limit >= 1)) throw new InvariantError(`A group commit takes ${limit} requests at most; give at least 1.`);
  let waiting: Pending<Ask, Answer>[] = [];
  let working: Promise<void> | undefined;

  const work = async (): Promise<void> => {
    while (waiting.length > 0) {
      // What this turn of the event loop still asks for comes along, such as what follows from the answers to the last group.
      await new Promise<void>((resolve) => void setImmediate(resolve));
      const group = waiting.slice(0, limit);
      waiting = waiting.slice(limit);
      let failure: { readonly error: unknown } | undefined;
      try {
        await perform(group.map(({ request }) => request));
      } catch (error) {
        failure = { error };
      }
      for (const { answer } of group) answer(failure);
    }
    working = undefined;
  };

  return {
    add(ask) {
      return new Promise<Answer>((resolve, reject) => {
        waiting.push(pendingOf(ask, { resolve, reject }));
        working ??= work();
      });
    },
    async idle() {
      while (working) await working;
    },
  };
}

interface Pending<Ask, Answer> {
  readonly request: GroupedRequest<Ask, Answer>;
  /** Gives to who asked what the request was answered, or why the whole group failed. */
  answer(failure: { readonly error: unknown } | undefined): void;
}

function pendingOf<Ask, Answer>(
  ask: Ask,
  { resolve, reject }: { resolve(answer: Answer): void; reject(error: unknown): void },
): Pending<Ask, Answer> {
  let settle: (() => void) | undefined;
  return {
    request: {
      ask,
      resolve: (answer) => void (settle ??= () => resolve(answer)),
      reject: (error) => void (settle ??= () => reject(error)),
    },
    answer(failure) {
      if (failure) reject(failure.error);
      else if (settle) settle();
      else reject(new InvariantError('A transaction ended without an answer to one of its requests.'));
    },
  };
}
