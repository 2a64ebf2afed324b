import { PlanwrightError } from '../shared/error.js';
import { quote } from '../shared/issue.js';

/** A reference leads to nothing in the run that it was to be read in. */
export class ArtifactNotFoundError extends PlanwrightError {
  readonly code = 'ARTIFACT_NOT_FOUND';
  constructor(
    readonly runId: string,
    /** What was given as the reference. */
    readonly ref: unknown,
    why: string,
  ) {
    super(`Run ${runId} has no artifact for ${quote(ref)}: ${why}`);
  }
}

/** The artifact store failed, or did not answer in time. Another attempt may succeed. */
export class ArtifactUnavailableError extends PlanwrightError {
  readonly code = 'ARTIFACT_UNAVAILABLE';
  constructor(
    readonly operation: 'put' | 'get',
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`The artifact store could not ${operation} an artifact: ${detail}`, options);
  }
}

/** An artifact was asked for where there is no store of them. */
export class ArtifactStoreMissingError extends PlanwrightError {
  readonly code = 'ARTIFACT_STORE_MISSING';
  constructor() {
    super('There is no artifact store. Give createOrchestrator artifacts: { store }.');
  }
}
