import { PlanwrightError } from '../shared/error.js';

/** The kernel was told something that the run's state does not allow. Nothing was changed. */
export class IllegalInputError extends PlanwrightError {
  readonly code = 'ILLEGAL_INPUT';
  constructor(
    /** The `type` of the input. */
    readonly input: string,
    /** Status of the run, or of the step where the input names one. */
    readonly status: string,
    readonly stepId: string | undefined,
    detail: string,
  ) {
    super(`"${input}" is not possible${stepId === undefined ? '' : ` for step "${stepId}"`} in status "${status}": ${detail}.`);
  }
}

/** A checkpoint that does not belong to the machines it was given with, or that no version of the kernel wrote. */
export class CheckpointMismatchError extends PlanwrightError {
  readonly code = 'CHECKPOINT_MISMATCH';
  constructor(
    readonly expectedDigest: string,
    readonly actualDigest: string,
    detail: string,
  ) {
    super(`The checkpoint was taken from machines with digest ${actualDigest}, these have ${expectedDigest}: ${detail}.`);
  }
}
