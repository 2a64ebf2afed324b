import { createInterface } from 'node:readline/promises';
import { isatty } from 'node:tty';

import type { Run, RunEvent } from 'planwright';

/** Whether there is somebody to ask. */
export const isAttended = (): boolean => isatty(0) && isatty(1);

/** Asks a yes-or-no question at the terminal. Anything but `y` or `yes` is a no. */
export async function ask(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`\n${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** What an event asks a person, to be answered with yes or no. */
function questionOf(event: RunEvent): string | undefined {
  if (event.type === 'step.gated') return `${event.stepId}: ${event.prompt}`;
  return event.type === 'step.in-doubt' ? `${event.error.message} Has it happened?` : undefined;
}

/** Answers what a run asks: a person at the terminal does; where there is none, the answer is no, so that nothing waits for ever. */
export async function answerQuestions(run: Run): Promise<void> {
  for await (const event of run.events()) {
    const question = questionOf(event);
    if (question === undefined || !('stepId' in event) || !isWaiting(run, event.stepId)) continue;
    const approve = isAttended() && (await ask(question));
    // By now a late answer of the agent may have settled it.
    if (!isWaiting(run, event.stepId)) continue;
    await run.decide(event.stepId, { approve, by: 'operator', ...(!isAttended() && { note: 'there is no terminal to ask at' }) });
  }
}

/** Whether it does still: it may have been answered before this process took the run up. */
function isWaiting(run: Run, stepId: string): boolean {
  const status = run.view().steps.find(({ id }) => id === stepId)?.status;
  return status === 'gated' || status === 'in-doubt';
}
