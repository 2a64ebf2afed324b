import { setImmediate } from 'node:timers';

/** One request of a group: what is asked for, and how to answer it. */
export interface GroupedRequest<Ask, Answer> {
  readonly ask: Ask;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

export interface GroupCommitOptions<Ask, Answer> {
  /**
   * Carries out a group in one transaction and answers each request. Each for itself: one that conflicts must not take the others with it.
   * What it leaves unanswered when it ends is rejected with what it threw.
   */
  readonly perform: (group: readonly GroupedRequest<Ask, Answer>[]) => Promise<void> | void;
  /** Requests in one transaction at most. Default: 1,000. */
  readonly limit?: number;
}

export interface GroupCommit<Ask, Answer> {
  add(ask: Ask): Promise<Answer>;
  /** Resolves when everything added so far is answered. */
  idle(): Promise<void>;
}

/**
 * Joins requests of all runs into few transactions: those of one turn of the event loop go together, and those that come while a
 * transaction is on its way go into the next. Order is kept.
 */
export function createGroupCommit<Ask, Answer>({
  perform,
  limit = 1_000,
}: GroupCommitOptions<Ask, Answer>): GroupCommit<Ask, Answer> {
  let waiting: GroupedRequest<Ask, Answer>[] = [];
  let working: Promise<void> | undefined;

  const work = async (): Promise<void> => {
    // Work of this turn that ends in a write of its own comes along.
    await new Promise<void>((resolve) => void setImmediate(resolve));
    while (waiting.length > 0) {
      const group = waiting.slice(0, limit);
      waiting = waiting.slice(limit);
      try {
        await perform(group);
      } catch (error) {
        for (const request of group) request.reject(error);
      }
    }
    working = undefined;
  };

  return {
    add(ask) {
      const answer = new Promise<Answer>((resolve, reject) => waiting.push({ ask, resolve, reject }));
      working ??= work();
      return answer;
    },
    async idle() {
      while (working) await working;
    },
  };
}
