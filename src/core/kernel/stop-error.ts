import type { StoredError } from '../ports/run.js';
import type { RunCore } from './run-core.js';

/** Why a step was cancelled: what the run stopped for. */
export const stopError = ({ run }: RunCore): StoredError => ({
  code: 'RUN_STOPPED',
  message: `The run was stopped before this step had ended: ${run.stop?.error.message ?? 'no reason given'}`,
});
