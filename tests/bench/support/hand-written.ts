import type { OrchestrationProposal } from 'planwright';
import PQueue from 'p-queue';

/** A DAG by position, ready to be walked: what the hand-written loops start from. */
export interface Dag {
  readonly size: number;
  readonly dependencyCounts: Int32Array;
  readonly dependents: readonly (readonly number[])[];
}

export function dagOf({ tickets }: OrchestrationProposal): Dag {
  const indexOf = new Map(tickets.map(({ key }, index) => [key, index]));
  const dependents: number[][] = tickets.map(() => []);
  tickets.forEach(({ dependsOn = [] }, index) => dependsOn.forEach((key) => dependents[indexOf.get(key)!]!.push(index)));
  return {
    size: tickets.length,
    dependencyCounts: Int32Array.from(tickets, ({ dependsOn = [] }) => dependsOn.length),
    dependents,
  };
}

export type Work = (index: number) => Promise<unknown>;

/** What one writes by hand on p-queue: a counter of unmet dependencies for each step, and what comes to zero is queued. */
export async function runOnQueue(
  { size, dependencyCounts, dependents }: Dag,
  work: Work,
  concurrency: number,
): Promise<unknown[]> {
  const unmet = dependencyCounts.slice();
  const outputs: unknown[] = [];
  const queue = new PQueue({ concurrency });
  const start = (index: number): void => void queue.add(() => run(index));
  const run = async (index: number): Promise<void> => {
    outputs[index] = await work(index);
    for (const dependent of dependents[index]!) {
      unmet[dependent]! -= 1;
      if (unmet[dependent] === 0) start(dependent);
    }
  };
  for (let index = 0; index < size; index += 1) if (unmet[index] === 0) start(index);
  await queue.onIdle();
  return outputs;
}

/** The same without a queue: promises and nothing else, so nothing limits how many work at once. */
export async function runOnPromises({ size, dependencyCounts, dependents }: Dag, work: Work): Promise<unknown[]> {
  const unmet = dependencyCounts.slice();
  const outputs: unknown[] = [];
  let left = size;
  await new Promise<void>((resolve, reject) => {
    const run = async (index: number): Promise<void> => {
      outputs[index] = await work(index);
      left -= 1;
      if (left === 0) resolve();
      for (const dependent of dependents[index]!) {
        unmet[dependent]! -= 1;
        if (unmet[dependent] === 0) run(dependent).catch(reject);
      }
    };
    for (let index = 0; index < size; index += 1) if (unmet[index] === 0) run(index).catch(reject);
  });
  return outputs;
}
