import type { RunEvent } from './run-output.js';

/** Where measurements go, if anywhere. Nothing leaves the process unless one is given. */
export interface Telemetry {
  /** Every event of every run, in each run's order. A fault here never touches a run. */
  event(event: RunEvent): void;
}
