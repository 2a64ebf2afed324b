import { createInterface } from 'node:readline/promises';
import { isatty } from 'node:tty';

import type { Run } from 'planwright';

/** Whether there is somebody to ask. */
export const isAttended = (): boolean => isatty(0) && isatty(1);

/** Asks a yes-or-no question at the terminal. Anything but `y` or `yes` is a no. */
export async function ask(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`\n${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** Answers the gates of a run: a person at the terminal does; where there is none, each is refused, so that nothing waits for ever. */
export async function answerGates(run: Run): Promise<void> {
  for await (const event of run.events()) {
    if (event.type !== 'step.gated') continue;
    const approve = isAttended() && (await ask(`${event.stepId}: ${event.prompt}`));
    await run.decide(event.stepId, { approve, by: 'operator', ...(!isAttended() && { note: 'there is no terminal to ask at' }) });
  }
}
