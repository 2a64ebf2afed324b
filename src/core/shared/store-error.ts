import { PlanwrightError } from './error.js';

/** Two writers met: the run has moved on since this writer read it. Load it again. */
export class StoreConflictError extends PlanwrightError {
  readonly code = 'STORE_CONFLICT';
  constructor(
    readonly runId: string,
    readonly expectedSeq: number,
    readonly actualSeq: number,
  ) {
    super(`Run ${runId} is at entry ${actualSeq}, expected ${expectedSeq}: another writer came first. Load the run again.`);
  }
}

/** A store was called after `close()`. */
export class StoreClosedError extends PlanwrightError {
  readonly code = 'STORE_CLOSED';
  constructor() {
    super('The store is closed. Create a new one to go on.');
  }
}
