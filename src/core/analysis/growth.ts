import type { Plan, PlanStep, StepTemplate } from '../ports/plan.js';
import { verificationTemplate, workTemplate } from '../shared/verification.js';

/** What a step may be added for, or be added as. */
type Growing = Pick<PlanStep, 'id' | 'expands' | 'verify'>;

/**
 * The most that comes of what may be added to steps while the run is under way, where each step that is added counts for at most so much. 0 for
 * a step to which nothing is added.
 */
export type Growth = (step: Growing, figureOf: (template: StepTemplate) => number) => number;

/** Reads off a plan how much may be added to it. */
export function createGrowth({ templates = {}, expansion }: Plan): Growth {
  const all = Object.values(templates);
  const deciding = all.filter(({ decides }) => decides);
  const working = all.filter(
    ({ decides, phase, kind }) => !decides && phase === 'work' && kind !== 'verification' && kind !== 'ticket',
  );
  const ofTopology: Growth = (_step, figureOf) => {
    if (!expansion) return 0;
    const most = (some: readonly StepTemplate[]): number => some.reduce((worst, one) => Math.max(worst, figureOf(one)), 0);
    const { bounds } = expansion;
    const decisions = Math.min(bounds.decisions, bounds.steps);
    return product(decisions, Math.max(most(deciding), most(working))) + product(bounds.steps - decisions, most(working));
  };
  const growth: Growth = (step, figureOf) => {
    if (step.expands === 'topology') return ofTopology(step, figureOf);
    if (step.expands !== 'verification') return 0;
    const rounds = 1 + (step.verify?.maxReworks ?? 0);
    const work = templates[workTemplate(step.id)];
    const check = templates[verificationTemplate(step.id)];
    if (!work || !check) return 0;
    return product(rounds, figureOf(work) + ofWork(work, figureOf) + figureOf(check));
  };
  const ofWork = (work: StepTemplate, figureOf: (template: StepTemplate) => number): number =>
    work.expands === 'topology' ? ofTopology({ id: '', expands: 'topology' }, figureOf) : 0;
  return growth;
}

/** Times that the topology of a plan may expand each of its steps: once for each goal, and again for each rework of one. */
export function goalsOf({ steps, templates = {} }: Plan): number {
  return steps.reduce((sum, { id, expands, verify }) => {
    if (expands === 'topology') return sum + 1;
    const isVerifiedGoal = expands === 'verification' && templates[workTemplate(id)]?.expands === 'topology';
    return isVerifiedGoal ? sum + 1 + (verify?.maxReworks ?? 0) : sum;
  }, 0);
}

/** Roles of the steps that may be added to one. */
export function rolesAddedTo(step: Growing, { templates = {} }: Plan): ReadonlySet<string | undefined> {
  const named = Object.entries(templates);
  const own = named.filter(([name]) => name === workTemplate(step.id) || name === verificationTemplate(step.id));
  const isGoal = step.expands === 'topology' || own.some(([, { expands }]) => expands === 'topology');
  const topology = isGoal ? named.filter(([, { kind, decides }]) => decides === true || kind === 'delegation') : [];
  return new Set([...own, ...topology].map(([, { role }]) => role));
}

/** Nothing times anything is nothing, also where that is without a bound. */
const product = (count: number, figure: number): number => (count === 0 || figure === 0 ? 0 : count * figure);
