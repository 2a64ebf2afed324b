import type { Plan, PlanStep } from '../ports/plan.js';
import { canonicalJson } from '../shared/canonical-json.js';
import { deepFreeze } from '../shared/freeze.js';
import { quote, type Issue } from '../shared/issue.js';
import { err, ok, type Result } from '../shared/result.js';
import { planDigest } from './plan-digest.js';
import { inOrder } from './step-defaults.js';
import { createStepGraph } from './step-graph.js';
import { planOrder } from './topological-order.js';

/**
 * Where a step of a run under way is, as far as a new plan has to know: it has not come to its turn (`untouched`); it waits for a person, a place,
 * or its next attempt (`waiting`), and has been tried before (`tried`); an attempt is asked for or at work, or steps are added for it (`under-way`); it failed (`failed`); it has ended
 * otherwise, or is in doubt (`settled`).
 */
export type Standing = 'untouched' | 'waiting' | 'tried' | 'under-way' | 'failed' | 'settled';

/** What becomes of steps under way that the new plan changes or drops. */
export type RunningPolicy = 'finish' | 'cancel';

/**
 * What becomes of a step: it stays as it is (`kept`); it waits for its turn as the new plan has it (`fresh`); it has failed, or its attempt is aborted,
 * and it is done anew as the new plan has it (`again`); its attempt is aborted and nothing comes after it (`ended`).
 */
export type Fate = 'kept' | 'fresh' | 'again' | 'ended';

/** The plan that a run goes by after a new one was approved: the new plan, and what of the old one has begun. */
export interface PlanMerge {
  readonly plan: Plan;
  /** Of every step of `plan` that was there before. */
  readonly fates: ReadonlyMap<string, Fate>;
  /** Steps that the new plan would have otherwise, or not at all, and that stay because they have begun. */
  readonly retained: readonly string[];
}

export interface PlanChange {
  /** What the run goes by. */
  readonly from: Plan;
  /** What was approved. */
  readonly to: Plan;
  readonly standingOf: (stepId: string) => Standing;
  readonly running: RunningPolicy;
}

/**
 * Puts an approved plan in the place of the one that a run is carrying out. What has ended stays as it was; what has not begun is as the new plan
 * says; what is under way and changed, or gone, ends by policy. A ticket that failed is done anew where the new plan has changed it.
 */
export function mergePlans({ from, to, standingOf, running }: PlanChange): Result<PlanMerge, Issue[]> {
  const before = new Map(from.steps.map((step) => [step.id, step]));
  const after = new Map(to.steps.map((step) => [step.id, step]));
  const issues: Issue[] = [];
  const fates = new Map<string, Fate>();
  for (const step of [...from.steps].filter(({ id }) => !after.has(id)).concat(to.steps)) {
    const old = before.get(step.id);
    const next = after.get(step.id);
    if (!old) continue;
    const isSame = next !== undefined && isSameStep(old, next);
    const standing = standingOf(old.id);
    if (old.expands !== undefined && next && !isSame && hasGrown(standing, running)) issues.push(goalHasBegun(old.id));
    const isSettledBefore = (next ?? old).dependsOn.every((id) => fates.get(id) === 'kept');
    const fate = fateOf({ old, next, isSame, standing, running, isSettledBefore });
    if (fate) fates.set(old.id, fate);
  }
  keepUpstream(fates, before);
  if (hasOtherSettings(from, to) && goesOnGrowing(from, { fates, standingOf })) issues.push(topologyInUse(from));
  if (issues.length > 0) return err(issues);
  return ok(merge({ from, to, before, after, fates }));
}

interface FateFacts {
  readonly old: PlanStep;
  readonly next: PlanStep | undefined;
  readonly isSame: boolean;
  readonly standing: Standing;
  readonly running: RunningPolicy;
  /** All that it waits for has ended, and stays so. */
  readonly isSettledBefore: boolean;
}

/** `undefined`: it is dropped. */
function fateOf({ old, next, isSame, standing, running, isSettledBefore }: FateFacts): Fate | undefined {
  switch (standing) {
    case 'untouched':
      return next && 'fresh';
    case 'waiting':
      return next && (isSame && isSettledBefore ? 'kept' : 'fresh');
    case 'tried':
      return next ? (isSame && isSettledBefore ? 'kept' : 'fresh') : 'ended';
    case 'failed':
      return next && (isSame ? 'kept' : 'again');
    case 'settled':
      return 'kept';
    case 'under-way':
      if (isSame || running === 'finish') return 'kept';
      // What may have happened is not done again.
      return next && old.effect !== 'once' ? 'again' : 'ended';
  }
}

/** Whether steps were added for it that stand under its key. */
const hasGrown = (standing: Standing, running: RunningPolicy): boolean =>
  standing === 'failed' || (standing === 'under-way' && running === 'cancel');

/** What waited for others whatever became of them, and has begun, stands on what they came to: they stay as they are too. */
function keepUpstream(fates: Map<string, Fate>, before: ReadonlyMap<string, PlanStep>): void {
  const open = [...fates].flatMap(([id, fate]) => (fate === 'kept' || fate === 'ended' ? [id] : []));
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const dependency of before.get(id)?.dependsOn ?? []) {
      if (fates.get(dependency) === 'kept' || fates.get(dependency) === 'ended') continue;
      fates.set(dependency, 'kept');
      open.push(dependency);
    }
  }
}

const isSameStep = ({ title: _, ...one }: PlanStep, { title: __, ...other }: PlanStep): boolean =>
  canonicalJson(one) === canonicalJson(other);

const hasOtherSettings = ({ expansion: one, topology }: Plan, { expansion: other, topology: next }: Plan): boolean =>
  one !== undefined &&
  (topology.kind !== next.kind ||
    one.version !== other?.version ||
    canonicalJson(one.settings) !== canonicalJson(other.settings));

const goesOnGrowing = (
  { steps }: Plan,
  { fates, standingOf }: { readonly fates: ReadonlyMap<string, Fate>; readonly standingOf: PlanChange['standingOf'] },
): boolean =>
  steps.some(({ id, expands }) => expands === 'topology' && standingOf(id) === 'under-way' && fates.get(id) === 'kept');

interface MergeParts {
  readonly from: Plan;
  readonly to: Plan;
  readonly before: ReadonlyMap<string, PlanStep>;
  readonly after: ReadonlyMap<string, PlanStep>;
  readonly fates: ReadonlyMap<string, Fate>;
}

function merge({ from, to, before, after, fates }: MergeParts): PlanMerge {
  const isKept = (id: string): boolean => fates.get(id) === 'kept' || fates.get(id) === 'ended';
  const retained: string[] = [];
  const asBefore = (step: PlanStep): PlanStep => {
    const next = after.get(step.id);
    if (!next || !isSameStep(step, next)) retained.push(step.id);
    return next ? { ...step, title: next.title } : step;
  };
  const gone = from.steps.filter(({ id }) => isKept(id) && !after.has(id)).map(asBefore);
  const steps = [...gone, ...to.steps.map((step) => (isKept(step.id) ? asBefore(before.get(step.id)!) : step))];
  if (retained.length === 0) return { plan: to, fates, retained };
  const { digest: _, ...head } = to;
  const plan = { ...head, ...supportOf({ from, to, kept: steps.filter(({ id }) => isKept(id)) }), steps: inPlanOrder(steps) };
  return { plan: deepFreeze({ ...plan, digest: planDigest(plan) }), fates, retained };
}

const inPlanOrder = (steps: readonly PlanStep[]): readonly PlanStep[] =>
  Array.from(planOrder(createStepGraph(steps)), (index) => steps[index]!);

/** What the new plan may leave out that steps of the old one still go by. */
function supportOf({ from, to, kept }: { readonly from: Plan; readonly to: Plan; readonly kept: readonly PlanStep[] }) {
  const known = new Set(to.roles.map(({ key }) => key));
  const grows = kept.some(({ expands }) => expands !== undefined);
  const templates = grows ? { ...from.templates, ...to.templates } : to.templates;
  const needed = new Set([
    ...kept.flatMap(({ role, compensation }) => [role, compensation?.role]),
    ...Object.values(templates ?? {}).map(({ role }) => role),
  ]);
  const expansion = to.expansion ?? (grows ? from.expansion : undefined);
  const byKey = new Map(
    [...from.roles.filter(({ key }) => needed.has(key) && !known.has(key)), ...to.roles].map((role) => [role.key, role]),
  );
  return {
    roles: inOrder(byKey.keys()).flatMap((key) => byKey.get(key) ?? []),
    resources: { ...from.resources, ...to.resources },
    ...(templates && { templates }),
    ...(expansion && { expansion }),
  };
}

const goalHasBegun = (id: string): Issue => ({
  code: 'goal-has-begun',
  pointer: '/tickets',
  message:
    `${quote(id)} has begun, and the steps that were added for it stand under its key. ` +
    'Leave it as it is, drop it, or put a ticket with another key in its place.',
});

const topologyInUse = ({ topology: { kind } }: Plan): Issue => ({
  code: 'topology-in-use',
  pointer: '/topology',
  message:
    `The topology ${quote(kind)} is adding steps to tickets that are under way, so its options cannot change now. ` +
    "Leave them as they are, or drop those tickets with running: 'cancel'.",
});
