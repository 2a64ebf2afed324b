import type { Answer } from './goal.js';
import type { RunCore } from './run-core.js';

/** Keeps an answer for as long as it takes. */
export function noteAnswerOf(core: RunCore, index: number, answer: Answer): void {
  core.undo.onRollback(() => core.answers.delete(index));
  core.answers.set(index, answer);
}

/** What was kept, once: the goal hears of it now. */
export function takeAnswer(core: RunCore, index: number): Answer | undefined {
  const answer = core.answers.get(index);
  if (!answer) return undefined;
  core.undo.onRollback(() => core.answers.set(index, answer));
  core.answers.delete(index);
  return answer;
}
