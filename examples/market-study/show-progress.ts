import type { Run, RunEvent } from 'planwright';

import { progressLine } from './show-run.js';
import { dim, green, red, yellow } from './text.js';

/** Shows a run while it goes on: a line for what happened, and under it, in a terminal, a bar. */
export async function showProgress(run: Run): Promise<void> {
  const isTerminal = process.stdout.isTTY;
  const clear = '\r\u001B[2K';
  const startedAt = Date.now();
  for await (const event of run.events()) {
    const line = describe(event);
    const view = run.view();
    if (isTerminal) process.stdout.write(clear);
    if (line !== undefined) {
      const seconds = dim(`${((event.at - startedAt) / 1_000).toFixed(1).padStart(6)} s`);
      const done = view.steps.filter((step) => step.endedAt !== undefined).length;
      process.stdout.write(`${seconds}  ${isTerminal ? '' : `${done}/${view.steps.length}  `}${line}\n`);
    }
    if (isTerminal) process.stdout.write(progressLine(view));
  }
  if (isTerminal) process.stdout.write(clear);
}

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
