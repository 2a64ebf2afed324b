import { PlanwrightError } from '../../shared/error.js';
import { quote } from '../../shared/issue.js';
import type { Json } from '../../shared/json.js';

/** An output that a reducer cannot join. Fails the step with `REDUCER_FAILED`. */
export class ReducerInputError extends PlanwrightError {
  readonly code = 'REDUCER_INPUT';
  constructor(
    readonly stepId: string,
    readonly pointer: string,
    value: Json,
    wanted: string,
  ) {
    super(
      `The output of ${quote(stepId)}${pointer === '' ? '' : ` has at ${quote(pointer)} a value that`} is ${quote(value)}, not ${wanted}.`,
    );
  }
}
