import type { Command, JournalEntry, Kernel, RunInput } from 'planwright';

/** What {@link driveKernel} measured. */
export interface Drive {
  /** Every input in order. */
  readonly journal: readonly JournalEntry[];
  /** Microseconds of each `apply`, in order. */
  readonly appliedInUs: Float64Array;
}

const spend = { inputTokens: 1, outputTokens: 1, costMicroUsd: 1, provenance: 'measured' } as const;

/**
 * Takes a kernel from its start to the end of its run: each step starts when it is asked to and then succeeds; the first attempt of
 * those named fails. Timers are due at once, timeouts never.
 */
export function driveKernel(kernel: Kernel, failsOnce: (stepId: string) => boolean = () => false): Drive {
  const due: RunInput[] = [{ type: 'run.start', at: 0, graceMs: 1_000 }];
  const journal: JournalEntry[] = [];
  const times: number[] = [];
  for (let seq = 1; seq <= due.length; seq += 1) {
    const input = { ...due[seq - 1]!, seq };
    journal.push(input);
    const startedAt = performance.now();
    const commands = kernel.apply(input);
    times.push((performance.now() - startedAt) * 1_000);
    for (const command of commands) for (const next of follow(command, { at: seq, failsOnce })) due.push(next);
  }
  if (kernel.status !== 'completed') throw new TypeError(`The run ended as ${kernel.status}.`);
  return { journal, appliedInUs: Float64Array.from(times) };
}

interface World {
  readonly at: number;
  readonly failsOnce: (stepId: string) => boolean;
}

/** What the world answers to a command. */
function follow(command: Command, { at, failsOnce }: World): readonly RunInput[] {
  switch (command.type) {
    case 'step.start': {
      const { stepId, attempt } = command;
      const of = { at, stepId, attempt };
      const ended: RunInput =
        attempt === 1 && failsOnce(stepId)
          ? { type: 'step.failed', ...of, error: { code: 'BENCH', message: 'The first attempt fails.' }, retryable: true, spend }
          : { type: 'step.succeeded', ...of, output: {}, spend };
      return [{ type: 'step.started', ...of }, ended];
    }
    case 'timer.set':
      return command.input.type === 'step.retry-due' ? [command.input] : [];
    case 'continue':
      return [{ type: 'run.continue', at }];
    case 'run.deliver':
      return [{ type: 'run.delivered', at }];
    default:
      return [];
  }
}
