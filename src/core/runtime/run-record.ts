import type { ApprovedPlan } from '../approval/approve-plan.js';
import { nextRunStatus } from '../kernel/run-lifecycle.js';
import type { BreakerChange } from '../ports/breaker.js';
import type { RunFact } from '../ports/run-output.js';
import type { Actor, DoneTicket, RunInput, RunRecordInput, RunStatus } from '../ports/run.js';
import type { Json } from '../shared/json.js';
import { withBreaker } from '../views/breakers-met.js';
import type { Hire } from './provision.js';

/** One revision as it is on record. The proposal is as it was stored, and not parsed again before somebody asks for it. */
export interface RecordedRevision {
  readonly revision: number;
  readonly proposal: Json;
  readonly author: Actor | null;
  readonly at: number;
}

export interface RecordedApproval {
  readonly revision: number;
  readonly digest: string;
  readonly approvedBy: ApprovedPlan['approvedBy'];
  readonly steps: readonly string[] | null;
  /** Tickets that were done before. */
  readonly done: readonly DoneTicket[];
}

/** What happened to a run before and around its machines, folded from its journal. */
export interface RunRecord {
  /** As far as it is known without the machines. */
  status: RunStatus;
  createdAt: number;
  /** Who pays for it. */
  tenant: string | undefined;
  readonly revisions: RecordedRevision[];
  digest: string;
  revision: number;
  approval: RecordedApproval | undefined;
  /** Digest of the plan that the run goes by, where that is not quite what was approved: what of the plan before had begun is in it too. */
  mergedDigest: string | undefined;
  /** Another plan for the run under way, which nobody has approved yet. */
  pending: { readonly revision: number; readonly digest: string } | undefined;
  /** Hired and not yet let go. */
  hires: readonly Hire[];
  teamId: string | null;
  projectId: string | null;
  /** What the machines were made with. */
  machines: { readonly roles: Readonly<Record<string, { readonly agentId: string }>>; readonly digest: string } | undefined;
  /** Everyone knows of the end. */
  landed: boolean;
  /** Where circuit breakers stood that the run had to do with, as it was last told. */
  breakers: readonly BreakerChange[];
  /** The last process has stopped in good order. */
  letGo: boolean;
}

export const createRunRecord = (): RunRecord => ({
  status: 'proposed',
  createdAt: 0,
  tenant: undefined,
  revisions: [],
  digest: '',
  revision: 1,
  approval: undefined,
  mergedDigest: undefined,
  pending: undefined,
  hires: [],
  teamId: null,
  projectId: null,
  machines: undefined,
  landed: false,
  breakers: [],
  letGo: false,
});

/** Takes one entry into the record and gives what became true by it, if that is to be told. */
export function addToRecord(record: RunRecord, entry: RunRecordInput): RunFact | undefined {
  record.letGo = entry.type === 'run.let-go';
  switch (entry.type) {
    case 'run.proposed':
    case 'run.revised':
    case 'run.planned':
      return addRevision(record, entry);
    case 'run.replan-proposed': {
      const { revision, digest, proposal, author, at } = entry;
      record.revisions.push({ revision, proposal, author, at });
      record.pending = { revision, digest };
      return { type: 'run.replan-proposed', revision, digest };
    }
    case 'run.approved': {
      const { revision, digest, approvedBy, steps, done = [] } = entry;
      record.status = nextRunStatus(record.status, 'APPROVE');
      record.approval = { revision, digest, approvedBy: approvedBy as RecordedApproval['approvedBy'], steps, done };
      return { type: 'run.approved', revision, digest, approvedBy, steps };
    }
    case 'role.hired': {
      const { role, agentId } = entry;
      record.hires = [...record.hires, { role, agentId }];
      return { type: 'run.hired', role, agentId };
    }
    case 'team.created':
      record.teamId = entry.teamId;
      return undefined;
    case 'project.created':
      record.projectId = entry.projectId;
      return undefined;
    case 'run.provisioned': {
      const { roles, digest } = entry;
      const { teamId, projectId } = record;
      record.machines = { roles, digest };
      return { type: 'run.provisioned', teamId, projectId, roles };
    }
    case 'run.migrated':
      if (record.machines) record.machines = { ...record.machines, digest: entry.to };
      return undefined;
    case 'run.refused':
      record.status = nextRunStatus(record.status, 'FAIL');
      return { type: 'run.failed', reason: 'provisioning_failed', error: entry.error };
    case 'run.withdrawn':
      record.status = nextRunStatus(record.status, 'CANCEL');
      return { type: 'run.cancelled', reason: entry.reason };
    case 'role.released': {
      const { role, agentId } = entry;
      record.hires = record.hires.filter((hire) => hire.role !== role);
      return { type: 'run.released', role, agentId };
    }
    case 'run.tenant-warned': {
      const { tenant, unit, ceiling, spent } = entry;
      return { type: 'run.tenant-warned', tenant, unit, ceiling, spent };
    }
    case 'run.landed':
      record.landed = true;
      return undefined;
    case 'breaker.changed': {
      const { key, state, failures, until } = entry;
      const change = { key, state, failures, ...(until !== undefined && { until }) };
      record.breakers = withBreaker(record.breakers, change);
      return { type: 'breaker.changed', ...change };
    }
    case 'run.let-go':
      return undefined;
  }
}

/** Another plan has taken the place of the one before, while the run is under way. */
export function replanRecord(
  record: RunRecord,
  { revision, digest, approvedBy, roles }: Extract<RunInput, { readonly type: 'run.replanned' }>,
  made: { readonly plan: string; readonly machines: string },
): void {
  const done = record.approval?.done ?? [];
  record.approval = { revision, digest, approvedBy: approvedBy as RecordedApproval['approvedBy'], steps: null, done };
  record.digest = digest;
  record.revision = revision;
  record.mergedDigest = made.plan === digest ? undefined : made.plan;
  record.machines = { roles, digest: made.machines };
  record.pending = undefined;
}

type RevisionInput = Extract<RunRecordInput, { readonly type: 'run.proposed' | 'run.revised' | 'run.planned' }>;

function addRevision(record: RunRecord, entry: RevisionInput): RunFact {
  const { digest, at } = entry;
  const revision = entry.type === 'run.proposed' ? 1 : entry.revision;
  if (entry.type !== 'run.planned') {
    record.revisions.push({ revision, proposal: entry.proposal, author: entry.author, at });
  }
  if (entry.type === 'run.revised') record.status = nextRunStatus(record.status, 'REVISE');
  record.digest = digest;
  record.revision = revision;
  if (entry.type === 'run.revised') return { type: 'run.revised', revision, digest };
  record.createdAt = at;
  record.tenant = entry.tenant;
  return { type: 'run.proposed', revision, digest, ...(entry.tenant !== undefined && { tenant: entry.tenant }) };
}
