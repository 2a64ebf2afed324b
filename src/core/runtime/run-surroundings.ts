import type { AgentDirectory } from './agent-directory.js';
import type { Breakers } from './breakers.js';
import type { OrchestratorSettings } from './orchestrator-options.js';
import type { RunGate } from './run-gate.js';
import type { RunHold } from './run-hold.js';
import type { SharedBudgets } from './shared-budgets.js';
import type { WorkQueue } from './work-queue.js';

/** What the runs of one orchestrator share. */
export interface RunSurroundings extends OrchestratorSettings {
  readonly agents: AgentDirectory;
  readonly queue: WorkQueue;
  /** Attempts that may have taken a process down, one at a time. */
  readonly suspects: WorkQueue;
  readonly breakers: Breakers;
  readonly hold: RunHold;
  readonly budgets: SharedBudgets;
  readonly gate: RunGate;
  readonly isClosing: () => boolean;
}
