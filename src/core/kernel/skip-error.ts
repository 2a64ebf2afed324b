import type { StoredError } from '../ports/run.js';
import { stepOf, statusOf, type RunCore } from './run-core.js';

/** Why a step was skipped, told from its first dependency that did not succeed. */
export function skipError(core: RunCore, index: number): StoredError {
  const { id } = stepOf(core, index);
  const cause = core.columns.cause[index]!;
  const dependency = core.graph.ids[cause] ?? '';
  if (core.columns.unchosen[index] === 1) {
    const how =
      statusOf(core, cause) === 'succeeded'
        ? `"${dependency}" chose another way`
        : `"${dependency}", which it depends on, was not chosen`;
    return { code: 'NOT_CHOSEN', message: `"${id}" was not run, because ${how}.`, dependency };
  }
  const message = `"${id}" was not run, because "${dependency}", which it depends on, is ${statusOf(core, cause)}.`;
  return { code: 'DEPENDENCY_NOT_MET', message, dependency };
}
