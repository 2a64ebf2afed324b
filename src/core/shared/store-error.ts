import { PlanwrightError } from './error.js';

/**
 * Two writers met: the run has moved on since this writer read it, or was claimed by another process (`fence` and `actualFence`
 * then differ). Nothing was written.
 */
export class StoreConflictError extends PlanwrightError {
  readonly code = 'STORE_CONFLICT';
  /** Under which claim the writer wrote. */
  readonly fence: number | undefined;
  /** The newest claim of the run. */
  readonly actualFence: number | undefined;
  constructor(
    readonly runId: string,
    readonly expectedSeq: number,
    readonly actualSeq: number,
    fences?: { readonly fence: number; readonly actualFence: number },
  ) {
    super(
      fences && fences.fence !== fences.actualFence
        ? `Run ${runId} belongs to another process: it was claimed under fence ${fences.actualFence}, this writer holds ${fences.fence}.`
        : `Run ${runId} is at entry ${actualSeq}, expected ${expectedSeq}: another writer came first. Load the run again.`,
    );
    this.fence = fences?.fence;
    this.actualFence = fences?.actualFence;
  }
}

/** A store was called after `close()`. */
export class StoreClosedError extends PlanwrightError {
  readonly code = 'STORE_CLOSED';
  constructor() {
    super('The store is closed. Create a new one to go on.');
  }
}

/** The medium of a store fails: disk full, permission lost, connection gone, locked for too long. What was committed is safe. */
export class StoreUnavailableError extends PlanwrightError {
  readonly code = 'STORE_UNAVAILABLE';
  constructor(
    /** What was being done, as in `commit`. */
    readonly operation: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`The store could not ${operation}: ${detail}`, options);
  }
}

/** What a store finds on its medium is not what it wrote. Nothing is guessed: the run is not opened. */
export class StoreCorruptError extends PlanwrightError {
  readonly code = 'STORE_CORRUPT';
  constructor(
    /** File, table or row. */
    readonly place: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`${place} is damaged: ${detail} Restore it from a backup, or move it aside to go on without it.`, options);
  }
}

/** What is stored was written in a format that this version does not read. */
export class StoreFormatError extends PlanwrightError {
  readonly code = 'STORE_FORMAT';
  constructor(
    readonly place: string,
    readonly found: unknown,
    readonly supported: readonly number[],
  ) {
    super(
      `${place} has the format version ${String(found)}; this version of planwright reads ${supported.join(', ')}. ` +
        'Open it with the version that wrote it, or a newer one.',
    );
  }
}

/** A value that was to be stored is not JSON. Nothing was written. */
export class StoreValueError extends PlanwrightError {
  readonly code = 'STORE_VALUE';
  constructor(
    /** Empty for what belongs to no run. */
    readonly runId: string,
    detail: string,
    what = `A commit to run ${runId}`,
  ) {
    super(`${what} holds what JSON cannot hold: ${detail}`);
  }
}

/** A package that a store needs is not installed. */
export class StoreDriverMissingError extends PlanwrightError {
  readonly code = 'STORE_DRIVER_MISSING';
  constructor(store: string, remedy: string) {
    super(`The ${store} store found no driver. ${remedy}`);
  }
}
