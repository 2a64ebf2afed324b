import type { AgentDirectory } from './agent-directory.js';
import { createRunAttempts } from './run-attempts.js';
import type { RunAttempts } from './run-attempts-options.js';
import { createRunDriver, type CommandHandlers, type RunDriver } from './run-driver.js';
import type { RunJournal } from './run-journal.js';
import type { RunMachines, RunState } from './run-state.js';
import type { RunUpkeep } from './run-upkeep.js';
import type { RunSurroundings } from './run-surroundings.js';

/** The machines of a run at work. */
export interface RunEngine {
  readonly driver: RunDriver;
  readonly attempts: RunAttempts;
}

export interface RunEngineOptions {
  readonly state: RunState;
  readonly machines: RunMachines;
  readonly journal: RunJournal;
  readonly agents: AgentDirectory;
  readonly surroundings: RunSurroundings;
  readonly upkeep: RunUpkeep;
  /** Commands that are not about attempts. */
  readonly handlers: Pick<CommandHandlers, 'deliver' | 'ended' | 'settled' | 'halted'>;
}

/** Puts a driver and its attempts around a kernel. Nothing happens before the first input. */
export function createRunEngine({
  state,
  machines,
  journal,
  agents,
  surroundings,
  upkeep,
  handlers,
}: RunEngineOptions): RunEngine {
  const { runId, log } = state;
  const { kernel } = machines;
  const { clock, queue, suspects, graceMs, isClosing, resources, runConcurrency, tenants, whenInDoubt, artifacts } = surroundings;
  const { breakers, breakerSpecs } = surroundings;
  const attempts = createRunAttempts({
    state,
    driver: () => driver,
    queue,
    suspects,
    agents,
    resources,
    breakers,
    breakerSpecs,
    runConcurrency,
    tenants,
    isClosing,
    clock,
    graceMs,
    whenInDoubt,
    artifacts,
  });
  /** Conversations are over when nothing is left to do for the run, and before anyone hears that it is. */
  const endSessionsThen = (tell: () => void): void => {
    const ending = kernel.hasWorkLeft ? undefined : attempts.endSessions('run-ended');
    if (ending) void ending.then(tell);
    else tell();
  };
  const driver = createRunDriver({
    runId,
    kernel,
    journal,
    log,
    clock,
    deliversOutside: surroundings.workspace.deliver !== undefined,
    apply: (input) => state.take(input),
    afterInput: () => upkeep.afterInput(driver.untold),
    handlers: {
      ...handlers,
      ended: (status) => endSessionsThen(() => handlers.ended(status)),
      settled: () => endSessionsThen(() => handlers.settled()),
      start: attempts.start,
      compensate: attempts.start,
      probe: attempts.probe,
      abort: attempts.abort,
      resumed: attempts.release,
      halted: (error) => {
        attempts.abortAll(error.message);
        handlers.halted(error);
      },
    },
  });
  return { driver, attempts };
}
