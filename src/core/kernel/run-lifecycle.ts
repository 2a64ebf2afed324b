import { createMachine } from 'xstate';

import { lifecycleChart, type LifecycleEvent } from '../materializer/lifecycle-chart.js';
import type { RunStatus } from '../ports/run.js';
import { createChartRunner, type ChartRunner } from './chart-runner.js';
import { IllegalInputError } from './illegal-input-error.js';

let runner: ChartRunner | undefined;

/**
 * The status that a lifecycle event leads to.
 *
 * @throws IllegalInputError when the status does not allow it. A run that is over allows nothing.
 */
export function nextRunStatus(status: RunStatus, event: LifecycleEvent): RunStatus {
  runner ??= createChartRunner(createMachine(JSON.parse(JSON.stringify(lifecycleChart)) as Parameters<typeof createMachine>[0]));
  const move = runner(status, event);
  if (move) return move.to as RunStatus;
  throw new IllegalInputError(event, status, undefined, 'the lifecycle has no such transition');
}
