import { approvePlan, type Approval, type ApprovedPlan, type Approver } from '../approval/approve-plan.js';
import type { Fate, RunningPolicy } from '../plan/merge-plans.js';
import { planProposal } from '../plan/plan-proposal.js';
import type { CustomReducers } from '../plan/reduce.js';
import type { Plan, PlanStep } from '../ports/plan.js';
import type { OrchestrationProposal } from '../ports/proposal.js';
import type { RunStatus } from '../ports/run.js';
import type { Topology } from '../ports/topology.js';
import { canonicalJson } from '../shared/canonical-json.js';
import type { Json } from '../shared/json.js';
import { quote, type Issue } from '../shared/issue.js';
import { toUsd } from '../shared/money.js';
import { reducerIssues } from './check-reducers.js';
import { ApprovalRefusedError, RunStateError } from './errors.js';
import { checkRoles, provision, type ProvisionOptions } from './provision.js';
import type { InputBody } from './run-driver.js';
import type { RunRecord } from './run-record.js';
import type { RunState } from './run-state.js';

/** What a plan that was proposed for a run under way would change, as the run stands now. */
export interface ReplanPreview {
  /** What the run goes by. */
  readonly from: { readonly revision: number; readonly digest: string };
  readonly added: readonly string[];
  readonly dropped: readonly string[];
  /** Steps that have not begun, or have failed, and will be as the new plan has them. */
  readonly changed: readonly string[];
  /** Steps that have ended and stay as they were, though the new plan has them otherwise or not at all. */
  readonly kept: readonly string[];
  /** Steps under way that the new plan changes or drops: `running` of the approval says what becomes of them. */
  readonly underWay: readonly string[];
}

/** What of a run that is managed here this has to know. */
interface RunUnderWay {
  readonly runId: string;
  readonly status: RunStatus;
  readonly state: RunState;
}

/** Whether an approval is of the plan that lies there for a run under way. */
export const isOfPending = ({ state, status }: RunUnderWay, { revision }: Approval): boolean =>
  status === 'executing' && state.record.pending?.revision === revision;

/** The plan that was proposed last for a run under way. @throws RunStateError when it would come out differently by now. */
export function pendingPlan({ runId, status, state }: RunUnderWay, topologies: readonly Topology[]): Plan {
  const { pending, revisions } = state.record;
  const proposal = revisions.find(({ revision }) => revision === pending?.revision)?.proposal;
  const planned = planProposal(proposal as unknown as OrchestrationProposal, { topologies, revision: pending?.revision ?? 1 });
  if (planned.ok && planned.value.digest === pending?.digest) return planned.value;
  throw new RunStateError(runId, status, 'go by that plan, because its topology arranges it differently by now; revise it again');
}

/** Another plan in the place of the one that a run goes by. @throws ApprovalRefusedError with every reason. */
export function acceptReplan(
  run: RunUnderWay,
  approval: Approval,
  { topologies, reducers }: { readonly topologies: readonly Topology[]; readonly reducers: CustomReducers },
): ApprovedPlan {
  const plan = pendingPlan(run, topologies);
  const { running = 'finish' } = approval;
  const approved = approvePlan(plan, approval);
  const issues = [
    ...(approved.ok ? [] : approved.error),
    ...wholeIssues(approval),
    ...spentIssues(run, plan),
    ...mergeIssues(run, plan, running),
    ...reducerIssues(plan, reducers),
  ];
  if (approved.ok && issues.length === 0) return approved.value;
  throw new ApprovalRefusedError(run.runId, issues);
}

function wholeIssues({ steps, done, running }: Omit<Approval, 'running'> & { readonly running?: string }): Issue[] {
  const message = 'A plan for a run that is under way is approved as a whole: leave this out.';
  const partial = Object.entries({ steps, done }).flatMap(([member, given]) =>
    given === undefined ? [] : [{ code: 'replan-in-part', pointer: `/${member}`, message }],
  );
  if (running === undefined || running === 'finish' || running === 'cancel') return partial;
  const fix = `running must be 'finish' or 'cancel', not ${quote(running)}.`;
  return [...partial, { code: 'invalid-value', pointer: '/running', message: fix }];
}

/** A ceiling below what is spent or held already would end the run at once. */
function spentIssues({ state }: RunUnderWay, { budget }: Plan): Issue[] {
  const { spentMicroUsd = 0, reservedMicroUsd = 0, spentTokens = 0, reservedTokens = 0 } = state.kernel?.ledger ?? {};
  const usd = (microUsd: number): string => `${toUsd(microUsd)} USD`;
  const check = (ceiling: number | undefined, used: number, show: (amount: number) => string, member: string): Issue[] =>
    ceiling === undefined || used <= ceiling
      ? []
      : [
          {
            code: 'budget-below-spent',
            pointer: `/budget/${member}`,
            message: `The run has spent or holds ${show(used)} already, and the new plan allows ${show(ceiling)}. Raise ${member}.`,
          },
        ];
  return [
    ...check(budget.maxCostMicroUsd, spentMicroUsd + reservedMicroUsd, usd, 'maxCostUsd'),
    ...check(budget.maxTokens, spentTokens + reservedTokens, (tokens) => `${tokens} tokens`, 'maxTokens'),
  ];
}

function mergeIssues({ state }: RunUnderWay, plan: Plan, running: RunningPolicy): readonly Issue[] {
  const merged = state.kernel?.merge(plan, running);
  return merged && !merged.ok ? merged.error : [];
}

interface Replan {
  readonly plan: Plan;
  readonly approvedBy: Approver;
  readonly running: RunningPolicy;
  readonly record: RunRecord;
}

/** Sees to it that every role of the plan is filled, and gives what puts it in force; nothing where it is in force already. */
export async function prepareReplan(
  options: ProvisionOptions,
  { plan, approvedBy, running, record }: Replan,
): Promise<InputBody | undefined> {
  checkRoles({ ...options, plan });
  const { roles } = await provision({ ...options, plan });
  const { revision, digest } = plan;
  if (record.digest === digest && record.revision === revision) return undefined;
  return {
    type: 'run.replanned',
    ...{ revision, from: record.digest, digest },
    plan: plan as unknown as Json,
    roles: { ...record.machines?.roles, ...roles },
    ...{ running, approvedBy },
  };
}

/** What the plan would change if it were approved now. What it may not change is said when it is approved. */
export function previewReplan({ state }: RunUnderWay, to: Plan): ReplanPreview {
  const { plan: before, record, kernel } = state;
  const [finish, cancel] = [kernel?.merge(to, 'finish'), kernel?.merge(to, 'cancel')];
  const from = { revision: record.revision, digest: record.digest };
  const after = new Set(to.steps.map(({ id }) => id));
  const known = new Map(before.steps.map((step) => [step.id, step]));
  const added = to.steps.flatMap(({ id }) => (known.has(id) ? [] : [id]));
  if (!finish?.ok) return { from, added, dropped: [], changed: [], kept: [], underWay: [] };
  const { plan, fates, retained } = finish.value;
  const stays = new Set(plan.steps.map(({ id }) => id));
  const ends = (id: string): boolean => fates.get(id) === 'ended';
  const isUnderWay = (id: string): boolean => {
    const fate = cancel?.ok ? cancel.value.fates.get(id) : 'kept';
    return !ends(id) && (fate === 'again' || fate === 'ended');
  };
  const begun = retained.filter((id) => !ends(id));
  return {
    from,
    added,
    dropped: [...known.keys()].filter((id) => !after.has(id) && (!stays.has(id) || ends(id))),
    changed: plan.steps.flatMap((step) => (isAsNew(fates.get(step.id)) && isOther(known.get(step.id)!, step) ? [step.id] : [])),
    kept: begun.filter((id) => !isUnderWay(id)),
    underWay: begun.filter(isUnderWay),
  };
}

const isAsNew = (fate: Fate | undefined): boolean => fate === 'fresh' || fate === 'again';
const isOther = (one: PlanStep, other: PlanStep): boolean => canonicalJson(one) !== canonicalJson(other);
