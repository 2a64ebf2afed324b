import PQueue from 'p-queue';

/** Lets at most so many attempts of all runs of an orchestrator work at once; the rest waits in order of priority. */
export interface WorkQueue {
  /** `work` must not reject: its outcome is its own affair. */
  add(work: () => Promise<void>, priority: number): void;
  /** Resolves when nothing is queued and nothing works. */
  idle(): Promise<void>;
}

export function createWorkQueue(concurrency: number): WorkQueue {
  const queue = new PQueue({ concurrency });
  return {
    add: (work, priority) => void queue.add(work, { priority }),
    idle: () => queue.onIdle(),
  };
}
