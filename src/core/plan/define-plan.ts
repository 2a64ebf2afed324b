import type { Phase, Plan } from '../ports/plan.js';
import type { OrchestrationProposal } from '../ports/proposal.js';
import type { StepDraft } from '../ports/topology.js';
import { copyJson } from '../shared/copy-json.js';
import { deepFreeze } from '../shared/freeze.js';
import { type Issue, quote } from '../shared/issue.js';
import { err, ok, type Result } from '../shared/result.js';
import { planDigest } from './plan-digest.js';
import { planHead } from './plan-head.js';
import { sortSteps } from './sort-steps.js';
import { draftedStep, inOrder } from './step-defaults.js';

/** A plan written by hand: a known process, without a proposal. Defaults are those of a proposal's. */
export interface PlanDraft extends Pick<
  OrchestrationProposal,
  'goal' | 'roles' | 'context' | 'budget' | 'resources' | 'policies' | 'metadata'
> {
  /** Each step's `phase` is `work` unless it says otherwise; its input, unless named, is what its dependencies gave. */
  readonly steps: readonly (StepDraft & { readonly phase?: Phase })[];
}

/** What policies name must be there. */
function policyIssues({ policies = [], roles }: PlanDraft, ids: ReadonlySet<string>): Issue[] {
  const keys = new Set(roles.map(({ key }) => key));
  return policies.flatMap(({ key, roles: named = [], tickets = [] }, place) => {
    const report = (word: string, name: string): Issue => ({
      code: `unknown-${word}`,
      pointer: `/policies/${place}`,
      message: `The policy ${quote(key)} names the ${word} ${quote(name)}, which the plan does not have.`,
    });
    const unknownRoles = named.filter((name) => !keys.has(name)).map((name) => report('role', name));
    return [...unknownRoles, ...tickets.filter((id) => !ids.has(id)).map((id) => report('ticket', id))];
  });
}

/**
 * Makes a plan of steps that somebody wrote down, for the same analysis, approval and machines that a proposal's plan goes
 * through. The output of the last step of phase `synthesis`, or of the last step there is, is the run's deliverable.
 */
export function definePlan(draft: PlanDraft, { revision = 1 }: { readonly revision?: number } = {}): Result<Plan, Issue[]> {
  const { steps: drafts } = draft;
  const ids = new Set<string>();
  const doubles = drafts.flatMap(({ id }, place): Issue[] => {
    const isNew = !ids.has(id) && id !== '';
    ids.add(id);
    if (isNew) return [];
    return [
      {
        code: 'duplicate-step',
        pointer: `/steps/${place}/id`,
        message: `The id ${quote(id)} is empty or stands twice. Ids must be unique.`,
      },
    ];
  });
  drafts.forEach(({ id, expands }, place) => {
    if (expands === undefined) return;
    const message = `${quote(id)} is to be expanded by a topology, and a plan that is written by hand has none.`;
    doubles.push({ code: 'goal-without-end', pointer: `/steps/${place}/expands`, message });
  });
  doubles.push(...policyIssues(draft, ids));
  if (drafts.length === 0) doubles.push({ code: 'no-steps', pointer: '/steps', message: 'A plan needs at least one step.' });
  if (doubles.length > 0) return err(doubles);
  const steps = drafts.map((given) => {
    const step = { ...draftedStep(given), phase: given.phase ?? 'work' };
    return { ...step, dependsOn: inOrder(step.dependsOn), input: inOrder(step.input ?? step.dependsOn) };
  });
  const sorted = sortSteps({ roles: draft.roles, tickets: [] }, steps);
  if (!sorted.ok) return sorted;
  const topology = { kind: 'defined', options: {} };
  const plan = { schemaVersion: 1, revision, ...planHead(draft), topology, steps: sorted.value.map(copyJson) } as const;
  return ok(deepFreeze({ ...plan, digest: planDigest(plan) }));
}
