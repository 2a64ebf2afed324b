import { planDigest } from '../plan/plan-digest.js';
import { planProposal } from '../plan/plan-proposal.js';
import type { CustomReducers } from '../plan/reduce.js';
import type { Plan } from '../ports/plan.js';
import type { OrchestrationProposal } from '../ports/proposal.js';
import type { RunStore, StoredRun } from '../ports/store.js';
import type { Topology } from '../ports/topology.js';
import { deepFreeze } from '../shared/freeze.js';
import { StoreCorruptError } from '../shared/store-error.js';
import { DigestMismatchError } from './errors.js';
import { createEventLog } from './event-log.js';
import { isTerminal } from './is-terminal.js';
import { planPartOf, type PlanPart } from './plan-part.js';
import { readSnapshot } from './run-snapshot.js';
import type { StoredSnapshot } from './stored-snapshot.js';
import { RunState, type Migration } from './run-state.js';
import { storedEventsOf } from './stored-events.js';

export interface RestoreOptions {
  readonly topologies: readonly Topology[];
  readonly reducers: CustomReducers;
  readonly migrate: Migration | undefined;
  readonly store: RunStore;
}

export interface RestoredRun {
  readonly state: RunState;
  /** Where the journal began that was replayed, if that is not the beginning of the run. */
  readonly snapshot: StoredSnapshot | undefined;
}

/**
 * A run as it is stored, brought to where its journal ends. Nothing is called and nothing changes.
 *
 * @throws DigestMismatchError when its plan or its machines would come out differently now, and no migration lets it go on.
 */
export function restoreRun(stored: StoredRun, { topologies, reducers, migrate, store }: RestoreOptions): RestoredRun {
  const { summary, checkpoint, journal } = stored;
  const { runId } = summary;
  const part = planPartOf(checkpoint);
  if (!part) throw new StoreCorruptError(`Run ${runId}`, 'it has no plan.');
  const snapshot = readSnapshot(runId, checkpoint);
  const firstSeq = snapshot?.snapshot.events[0]?.seq ?? 1;
  const plan = deepFreeze(part.plan);
  const state = newRunState(runId, { plan, store, topologies, reducers, firstSeq });
  const agreed = agreedMigration(journal, migrate);
  const plans = [plan, ...journal.flatMap((entry) => (entry.type === 'run.replanned' ? [entry.plan as unknown as Plan] : []))];
  if (!isTerminal(summary.status))
    for (const carriedOut of plans) checkExpansion(runId, { plan: carriedOut, topologies, migrate: agreed });
  state.stored = { seq: stored.seq, spent: summary.spent };
  if (snapshot) state.restore(snapshot, agreed);
  for (const entry of journal) state.replay(entry, agreed);
  checkPlan(state, { part, topologies, migrate });
  return { state, snapshot };
}

/** Nobody is asked again for a migration that is on record. */
function agreedMigration(journal: StoredRun['journal'], migrate?: Migration): Migration {
  const agreed = new Set(journal.flatMap((entry) => (entry.type === 'run.migrated' ? [entry.to] : [])));
  return (mismatch) => agreed.has(mismatch.foundDigest) || (migrate?.(mismatch) ?? false);
}

/** Another version of a topology may add other steps for what is on record, so that the run would come to be another one. */
function checkExpansion(
  runId: string,
  { plan, topologies, migrate }: { readonly plan: Plan; readonly topologies: readonly Topology[]; readonly migrate: Migration },
): void {
  const topology = topologies.find(({ kind }) => kind === plan.topology.kind);
  const version = topology?.version ?? null;
  if (!plan.expansion || !topology?.expand || version === plan.expansion.version) return;
  const mismatch = new DigestMismatchError(runId, plan.digest, `of topology version ${version ?? 'none'}`, 'plan');
  if (!migrate(mismatch)) throw mismatch;
}

export interface NewRunOptions {
  readonly plan: Plan;
  readonly store: RunStore;
  readonly topologies: readonly Topology[];
  readonly reducers: CustomReducers;
  /** `seq` of the first event that will be known. Default: 1. */
  readonly firstSeq?: number;
}

/** The state of a run of which nothing is known but its plan. */
export function newRunState(runId: string, { plan, store, topologies, reducers, firstSeq = 1 }: NewRunOptions): RunState {
  const readStored = storedEventsOf({ runId, store, topologies, plan: () => state.firstPlan });
  const log = createEventLog(runId, { firstSeq, readStored });
  const state: RunState = new RunState({ runId, plan, log, topologies, reducers });
  return state;
}

interface PlanCheck extends Omit<RestoreOptions, 'store' | 'reducers'> {
  readonly part: PlanPart;
}

/** Whether what was shown is still what would be planned. A run that is over is past caring. */
function checkPlan(state: RunState, { part, topologies, migrate }: PlanCheck): void {
  const { runId, plan, record } = state;
  const refuse = (found: string): void => {
    const mismatch = new DigestMismatchError(runId, record.digest, found, 'plan');
    if (!migrate?.(mismatch)) throw mismatch;
  };
  if (isTerminal(state.kernel?.status ?? record.status)) return;
  // Once there are machines, their digest has vouched for the plan.
  const stored = state.machines ? (record.mergedDigest === plan.digest ? record.digest : plan.digest) : planDigest(plan);
  if (stored !== record.digest) refuse(stored);
  const approved = record.revisions.find(({ revision }) => revision === record.revision);
  const proposal = approved?.proposal as unknown as OrchestrationProposal | undefined;
  const topology = topologies.find(({ kind }) => kind === plan.topology.kind);
  if (!proposal || !topology || (topology.version !== undefined && topology.version === part.topologyVersion)) return;
  const again = planProposal(proposal, { topologies, revision: record.revision });
  const found = again.ok ? again.value.digest : 'refused';
  if (found !== record.digest) refuse(found);
}
