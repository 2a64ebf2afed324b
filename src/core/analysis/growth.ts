import type { ExpansionBounds, Plan, PlanStep, StepTemplate } from '../ports/plan.js';

/** What may be added to one goal of a plan, at the most. */
export interface GoalGrowth {
  readonly bounds: ExpansionBounds;
  /** What steps that decide may be added as. */
  readonly deciding: readonly StepTemplate[];
  /** What all others may be added as. */
  readonly working: readonly StepTemplate[];
}

/** What may be added to a step while the run is under way; `undefined` for a step to which nothing is added. */
export function createGrowthLookup({ templates = {}, expansion }: Plan): (step: PlanStep) => GoalGrowth | undefined {
  const all = Object.values(templates);
  const growth = expansion && {
    bounds: expansion.bounds,
    deciding: all.filter(({ decides }) => decides),
    working: all.filter(({ decides }) => !decides),
  };
  return ({ expands }) => (expands === 'topology' ? growth : undefined);
}

/** The most that steps added to a goal come to, where each of a kind counts for at most so much. */
export function worstOfGrowth({ bounds, deciding, working }: GoalGrowth, figureOf: (template: StepTemplate) => number): number {
  const most = (templates: readonly StepTemplate[]): number =>
    templates.reduce((worst, one) => Math.max(worst, figureOf(one)), 0);
  const decisions = Math.min(bounds.decisions, bounds.steps);
  return product(decisions, Math.max(most(deciding), most(working))) + product(bounds.steps - decisions, most(working));
}

/** Nothing times anything is nothing, also where that is without a bound. */
const product = (count: number, figure: number): number => (count === 0 || figure === 0 ? 0 : count * figure);
