// The front door. Inside the house, import the file itself.
export {
  createOrchestrator,
  dropTicket,
  materialize,
  parseProposal,
  planProposal,
  proposalJsonSchema,
  reassignTicket,
  setBudget,
  setPolicies,
  swapRole,
  tightenBudget,
  type WithTopologies,
} from './front-door.js';

// Proposal
export { roleLibrary, type LibraryRole } from './core/proposal/role-library.js';
export type { ParseOptions } from './core/proposal/parse-proposal.js';
export type { ProposalLimits } from './core/proposal/proposal-limits.js';
export {
  appendRevision,
  currentRevision,
  rewindTo,
  startHistory,
  type Authorship,
  type EditBase,
  type ProposalHistory,
  type ProposalRevision,
} from './core/proposal/proposal-history.js';
export {
  describeProposal,
  type PhaseDescription,
  type ProposalDescription,
  type RoleDescription,
  type TicketDescription,
} from './core/proposal/describe-proposal.js';
export {
  diffProposals,
  type BudgetChange,
  type ChangedElement,
  type DiffEdge,
  type ProposalDiff,
} from './core/proposal/diff-proposals.js';

// Plan, analysis, approval
export type { PlanOptions } from './core/plan/plan-proposal.js';
export { criticalPath, type CriticalPath } from './core/plan/critical-path.js';
export { TopologyFaultError } from './core/plan/choose-topology.js';
export { definePlan, type PlanDraft } from './core/plan/define-plan.js';
export type { Fate, PlanMerge, RunningPolicy } from './core/plan/merge-plans.js';
export type { Task } from './core/plan/plan-task.js';
export { waves } from './core/plan/waves.js';
export { analyzePlan } from './core/analysis/analyze-plan.js';
export { worstCase, type Bounds } from './core/analysis/bounds.js';
export type { Diagnostic, Severity } from './core/analysis/diagnostic.js';
export type { ExpectedFigures } from './core/analysis/expected-figures.js';
export { approvePlan, isApprovedPlan, type Approval, type ApprovedPlan, type Approver } from './core/approval/approve-plan.js';

// Machines and kernel
export type { Chart, ChartState, ChartTransition } from './core/materializer/chart.js';
export type { ComposedContext, ComposedEvent } from './core/materializer/composed-context.js';
export type { AddedFacts, RoleMap, RunDefinition, StepDefinition, TemplateDefinition } from './core/materializer/definition.js';
export type { LifecycleEvent } from './core/materializer/lifecycle-chart.js';
export type { MaterializedRun, MaterializeOptions } from './core/materializer/materialize.js';
export { toStateMachine } from './core/materializer/to-state-machine.js';
export {
  NotApprovedError,
  NotComposableError,
  TopologyMissingError,
  UnresolvedRoleError,
} from './core/materializer/unresolved-role-error.js';
export type { Checkpoint } from './core/kernel/checkpoint.js';
export { createKernel, replay, type Kernel, type StoredCheckpoint } from './core/kernel/create-kernel.js';
export { CheckpointMismatchError, IllegalInputError } from './core/kernel/illegal-input-error.js';
export { nextRunStatus } from './core/kernel/run-lifecycle.js';

// Prompts
export { promptOf } from './core/materializer/prompt-of.js';
export { fence } from './core/shared/fence.js';

// Running
export type { CustomReducers } from './core/plan/reduce.js';
export { withConflicts } from './core/plan/reducers/reduced.js';
export { ReducerInputError } from './core/plan/reducers/reducer-input-error.js';
export { builtInReducers } from './core/shared/reducer-names.js';
export { chooseRoute, type ChosenRoute } from './core/schema/choose-route.js';
export type { ForTenant, Orchestrator } from './core/runtime/create-orchestrator.js';
export type { Proposed } from './core/runtime/proposed.js';
export type { ReplanPreview } from './core/runtime/replan-run.js';
export { ArtifactNotFoundError, ArtifactStoreMissingError, ArtifactUnavailableError } from './core/runtime/artifact-errors.js';
export type { ArtifactOptions } from './core/runtime/artifacts.js';
export type { OrchestratorOptions, SharedCeilings, TenantBudget, TenantOptions } from './core/runtime/orchestrator-options.js';
export type { RaiseBudgetOptions, SharedBudgetRaise, SharedBudgetFigures, TenantFigures } from './core/runtime/shared-budgets.js';
export {
  BudgetRaiseRefusedError,
  OptionsInvalidError,
  OrchestratorBusyError,
  ResourceDeadlockError,
} from './core/runtime/limit-errors.js';
export type { BudgetRaise, DecisionInput, Run, RunResult } from './core/runtime/run-handle.js';
export type { DurabilityFigures } from './core/runtime/run-journal.js';
export type { Migration } from './core/runtime/run-state.js';
export type { RecoveryFailure } from './core/runtime/recover-runs.js';
export type { ReadOptions } from './core/runtime/event-log.js';
export { systemClock } from './core/runtime/system-clock.js';
export {
  AgentNotFoundError,
  ApprovalRefusedError,
  AttemptAbortedError,
  DigestMismatchError,
  EventsGoneError,
  HireNotPossibleError,
  OrchestratorClosedError,
  ProposalRejectedError,
  RecoveryError,
  ReducerMissingError,
  ResourceRefusedError,
  RunElsewhereError,
  RunHaltedError,
  RunMovedOnError,
  RunNotFoundError,
  RunStateError,
  UnknownResourceError,
  WorkspaceAnswerError,
  WorkspaceTimeoutError,
} from './core/runtime/errors.js';
export { CircuitOpenError } from './core/runtime/circuit-open-error.js';
export type { BreakerOptions } from './core/runtime/breaker-specs.js';

export { ToolApprovalNeededError, ToolDeniedError, ToolNotAllowedError } from './core/runtime/tool-errors.js';

export type { DeadlockLink, Holder } from './core/limits/holder.js';

// Views
export { toMermaid } from './core/views/mermaid.js';
export type { DrawableMachine, DrawableState } from './core/views/machine-mermaid.js';
export type { MermaidOptions } from './core/views/plan-mermaid.js';
export { planGraph, type PlanGraph, type PlanGraphEdge, type PlanGraphNode } from './core/views/plan-graph.js';
export { toDot } from './core/views/dot.js';
export { runBadge, type RunBadge } from './core/views/run-badge.js';
export { type AttemptOutcome, type AttemptView, projectAttempts } from './core/views/attempt-view.js';
export { redactSecrets, type RedactOptions } from './core/views/redact-secrets.js';
export { runFigures, type Coordination, type RunFigures } from './core/views/run-figures.js';
export { fleetFigures, type FleetFigures, type FleetTotals } from './core/views/fleet-figures.js';
export type { Latency } from './core/views/latency.js';
export { runSample, type EffectCounts, type RunSample } from './core/views/run-sample.js';
export type { Share, Shares } from './core/views/work-share.js';
export { projectRun, type RunView } from './core/views/run-view.js';
export type { BudgetView, RunCeilings } from './core/views/budget-view.js';
export type { RoleStatus, RoleView } from './core/views/role-status.js';
export type { StepView } from './core/views/step-view.js';
export type { TicketCounts } from './core/views/ticket-counts.js';

// Ports: what plug-ins implement, and the data they speak
export type * from './core/ports/agent.js';
export type * from './core/ports/artifact.js';
export type * from './core/ports/budget.js';
export type * from './core/ports/breaker.js';
export type * from './core/ports/breaker-view.js';
export type * from './core/ports/clock.js';
export type * from './core/ports/plan.js';
export type * from './core/ports/policy.js';
export type * from './core/ports/proposal.js';
export type * from './core/ports/reducer.js';
export type * from './core/ports/run.js';
export type * from './core/ports/run-output.js';
export type * from './core/ports/store.js';
export type * from './core/ports/telemetry.js';
export type * from './core/ports/topology.js';
export type * from './core/ports/usage.js';
export type * from './core/ports/wait.js';
export type * from './core/ports/workspace.js';

// Shared words
export { AgentError, type AgentErrorOptions } from './core/shared/agent-error.js';
export type { ErrorClass } from './core/shared/error-class.js';
export { ThrottledError } from './core/shared/throttled-error.js';
export { isArtifactRef } from './core/shared/artifact-ref.js';
export { canonicalJson, CanonicalJsonError } from './core/shared/canonical-json.js';
export { InvariantError, isPlanwrightError, PlanwrightError } from './core/shared/error.js';
export { pointerOf, quote, type Issue } from './core/shared/issue.js';
export type { Json, JsonObject, JsonSchema } from './core/shared/json.js';
export { err, ok, type Result } from './core/shared/result.js';
export {
  StoreClosedError,
  StoreConflictError,
  StoreCorruptError,
  StoreDriverMissingError,
  StoreFormatError,
  StoreUnavailableError,
  StoreValueError,
} from './core/shared/store-error.js';
// For whoever writes a store
export { checkCommitPlace, checkCommitShape } from './core/storing/check-commit.js';
export {
  createGroupCommit,
  type GroupCommit,
  type GroupCommitOptions,
  type GroupedRequest,
} from './core/storing/group-commit.js';
export { defaultPageSize, defaultRangeSize, matchesFilter } from './core/storing/matches-filter.js';
export { mergeCheckpoint } from './core/storing/merge-checkpoint.js';
export { noteText } from './core/storing/note-text.js';
