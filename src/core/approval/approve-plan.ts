import type { RunningPolicy } from '../plan/merge-plans.js';
import { planDigest } from '../plan/plan-digest.js';
import type { Plan } from '../ports/plan.js';
import type { Json } from '../shared/json.js';
import type { Actor } from '../ports/run.js';
import { copyJson } from '../shared/copy-json.js';
import { deepFreeze } from '../shared/freeze.js';
import { InvariantError } from '../shared/error.js';
import type { Issue } from '../shared/issue.js';
import { quote } from '../shared/issue.js';
import { err, ok, type Result } from '../shared/result.js';
import { analyzePlan } from '../analysis/analyze-plan.js';
import { partialIssues } from './partial-approval.js';

declare const approved: unique symbol;

/** A plan that somebody entitled has approved. Only {@link approvePlan} makes one; `materialize` takes nothing else. */
export interface ApprovedPlan {
  readonly [approved]: true;
  readonly plan: Plan;
  readonly approvedBy: Approver;
  /** Work steps that may start; `null` for all. The others wait until they are approved too. */
  readonly steps: readonly string[] | null;
}

/** Who may approve: a person, or a policy that a person declared. */
export type Approver = Actor & { readonly kind: 'user' | 'policy' };

/** What an approval says: which plan was seen, in which revision, and by whom. */
export interface Approval {
  readonly digest: string;
  readonly revision: number;
  readonly approvedBy: { readonly kind: string; readonly id: string };
  /** Approves a part: these work steps, which must have all their dependencies among them. Default: everything. */
  readonly steps?: readonly string[];
  /**
   * Tickets of the plan that are done already, by key, with the output of each: a project that was half finished elsewhere goes on from there.
   * They are not started, and cost nothing.
   */
  readonly done?: Readonly<Record<string, Json>>;
  /**
   * For a plan that was proposed while its run is under way: whether steps under way that it changes or drops may `finish`, so that their results count, or are told
   * to end (`cancel`). Default: `finish`.
   */
  readonly running?: RunningPolicy;
}

const genuine = new WeakSet<object>();

/** Whether a value came out of {@link approvePlan}: what the type says, checked for callers without types. */
export const isApprovedPlan = (value: unknown): value is ApprovedPlan =>
  typeof value === 'object' && value !== null && genuine.has(value);

/**
 * Turns a plan into an approved one. Refused, with every reason at once, when the approval names another revision or digest
 * than the plan's, when the plan is not what its digest says, when the approver is neither a `user` nor a `policy`, or when
 * analysis finds an error.
 */
export function approvePlan(plan: Plan, approval: Approval): Result<ApprovedPlan, Issue[]> {
  const { steps, approvedBy } = approval;
  const issues = [
    ...approverIssues(approvedBy),
    ...stalenessIssues(plan, approval),
    ...integrityIssues(plan),
    ...(steps === undefined ? [] : partialIssues(plan, steps)),
    ...analysisIssues(plan),
  ];
  if (issues.length > 0) return err(issues);
  return ok(seal(plan, { approvedBy: approvedBy as Approver, steps: steps === undefined ? null : [...new Set(steps)].sort() }));
}

/** What was approved of a plan, and by whom. */
type Scope = Pick<ApprovedPlan, 'approvedBy' | 'steps'>;

/**
 * The approval that a run has on record, for the same plan: it was analysed when it was given, and is not doubted again.
 *
 * @throws InvariantError when the record is of another plan.
 */
export function restoreApproval(
  plan: Plan,
  recorded: Scope & { readonly revision: number; readonly digest: string },
): ApprovedPlan {
  if (recorded.digest === plan.digest && recorded.revision === plan.revision) return seal(plan, recorded);
  throw new InvariantError(
    `The approval on record is for revision ${recorded.revision}, digest "${recorded.digest}"; the plan is revision ${plan.revision}, "${plan.digest}".`,
  );
}

function seal(plan: Plan, { approvedBy, steps }: Scope): ApprovedPlan {
  const kept = Object.isFrozen(plan) ? plan : deepFreeze(copyJson(plan));
  const part = steps && Object.freeze([...steps]);
  const value = Object.freeze({ plan: kept, approvedBy: Object.freeze({ ...approvedBy }), steps: part }) as ApprovedPlan;
  genuine.add(value);
  return value;
}

/** Why somebody cannot approve or decide. Callers without types can pass anything; this is the one gate that must hold for them too. */
export function approverIssues(approver: unknown): Issue[] {
  const { kind, id } = (approver ?? {}) as Readonly<Record<string, unknown>>;
  const issues: Issue[] = [];
  if (kind !== 'user' && kind !== 'policy') {
    const message = `Only a user or a policy can approve, not ${quote(kind)}. An agent can propose and revise.`;
    issues.push({ code: 'approver-not-allowed', pointer: '/approvedBy/kind', message });
  }
  if (typeof id !== 'string' || id.trim() === '') {
    const message = `The approver needs an id, so that the record says who it was; found ${quote(id)}.`;
    issues.push({ code: 'approver-unnamed', pointer: '/approvedBy/id', message });
  }
  return issues;
}

function stalenessIssues(plan: Plan, { revision, digest }: Approval): Issue[] {
  const issues: Issue[] = [];
  if (revision !== plan.revision) {
    const message = `The approval is for revision ${quote(revision)}, but the plan is at revision ${plan.revision}. Look at it again.`;
    issues.push({ code: 'stale-revision', pointer: '/revision', message });
  }
  if (digest !== plan.digest) {
    const message = `The approval is for digest ${quote(digest)}, but the plan's is ${quote(plan.digest)}: it is not the plan that was shown.`;
    issues.push({ code: 'stale-digest', pointer: '/digest', message });
  }
  return issues;
}

/** The digest of a frozen plan, as planwright makes them, still tells what is in it. Of any other, read from a file say, it has to be shown. */
function integrityIssues(plan: Plan): Issue[] {
  if (Object.isFrozen(plan)) return [];
  const actual = planDigest(plan);
  if (actual === plan.digest) return [];
  const message = `The plan says that its digest is ${quote(plan.digest)}, but what is in it gives ${quote(actual)}: it was changed since.`;
  return [{ code: 'digest-mismatch', pointer: '/digest', message }];
}

const analysisIssues = (plan: Plan): Issue[] =>
  analyzePlan(plan)
    .filter((diagnostic) => diagnostic.severity === 'error')
    .map(({ code, message }) => ({ code, pointer: '', message }));
