import { writeSync } from 'node:fs';

import type { Run, RunEvent } from 'planwright';

import { bar, dim, green, red, usd, yellow } from './text.js';

const clearLine = '\r\u001B[2K';

export interface ProgressOptions {
  /** `seq` of the last event that an earlier process has shown. */
  readonly after: number;
  /** Steps after which this process is killed. */
  readonly crashAfter: number;
}

/** Shows a run while it goes on: a line for what happened, and under it, in a terminal, a bar. */
export async function showProgress(run: Run, { after, crashAfter }: ProgressOptions): Promise<void> {
  const isTerminal = process.stdout.isTTY;
  const progress = createProgress(run.view().steps.length);
  let endedBefore = 0;
  for await (const event of run.events()) {
    progress.take(event);
    if (event.seq <= after) {
      endedBefore = progress.ended;
      continue;
    }
    const line = describe(event);
    if (isTerminal) process.stdout.write(clearLine);
    if (line !== undefined)
      process.stdout.write(`${progress.clock(event)}  ${isTerminal ? '' : `${progress.count()}  `}${line}\n`);
    if (progress.ended - endedBefore >= crashAfter) crash();
    if (isTerminal) process.stdout.write(progress.line(process.stdout.columns));
  }
  if (isTerminal) process.stdout.write(clearLine);
}

/** Ends this process as a loss of power would: nothing gets a chance to save anything. */
function crash(): void {
  writeSync(1, red('\nKilled, as asked for. `npm start` goes on with the run.\n'));
  process.kill(process.pid, 'SIGKILL');
}

/** Counts from the events alone, so that watching costs the same however large the plan is. */
function createProgress(steps: number) {
  const running = new Set<string>();
  let ended = 0;
  let costMicroUsd = 0;
  let approvedAt: number | undefined;
  return {
    get ended(): number {
      return ended;
    },
    take(event: RunEvent): void {
      if (event.type === 'run.approved') approvedAt = event.at;
      if ('spend' in event) costMicroUsd += event.spend.costMicroUsd;
      if (event.type === 'step.started') running.add(event.stepId);
      else if (event.type === 'step.backing-off' || event.type === 'step.in-doubt') running.delete(event.stepId);
      else if (isEnd(event)) {
        running.delete(event.stepId);
        ended += 1;
      }
    },
    clock: ({ at }: RunEvent): string => dim(`${((at - (approvedAt ?? at)) / 1_000).toFixed(1).padStart(6)} s`),
    count: (): string => `${ended}/${steps}`,
    line(columns: number): string {
      const figures = `${bar(ended / steps, 24)} ${ended}/${steps} ${usd(costMicroUsd / 1_000_000)} `;
      return figures + dim([...running].join(', ').slice(0, Math.max(0, columns - figures.length - 1)));
    },
  };
}

type StepEnd = Extract<RunEvent, { readonly type: 'step.succeeded' | 'step.failed' | 'step.skipped' | 'step.cancelled' }>;
const ends: ReadonlySet<string> = new Set<StepEnd['type']>(['step.succeeded', 'step.failed', 'step.skipped', 'step.cancelled']);
const isEnd = (event: RunEvent): event is StepEnd => ends.has(event.type);

/** What is worth a line. */
function describe(event: RunEvent): string | undefined {
  switch (event.type) {
    case 'run.approved':
      return `approved by ${event.approvedBy.id}`;
    case 'run.hired':
      return `hired ${event.agentId} as ${event.role}`;
    case 'run.released':
      return `released ${event.agentId}`;
    case 'run.synthesizing':
      return 'the work is done, synthesizing';
    case 'step.backing-off':
      return yellow(`${event.stepId} failed (${event.error.message}), tries again`);
    case 'step.succeeded':
      return green(`${event.stepId} succeeded`);
    case 'step.failed':
    case 'step.skipped':
    case 'step.in-doubt':
      return red(`${event.stepId}: ${event.error.message}`);
    case 'step.gated':
      return yellow(`${event.stepId} waits for a person: ${event.prompt}`);
    default:
      return undefined;
  }
}
