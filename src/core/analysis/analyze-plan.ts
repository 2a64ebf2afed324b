import type { Plan } from '../ports/plan.js';
import { createStepGraph } from '../plan/step-graph.js';
import { stepLevels } from '../plan/waves.js';
import { deepFreeze } from '../shared/freeze.js';
import type { Diagnostic } from './diagnostic.js';
import type { PlanFacts, Rule } from './rule.js';
import { rules } from './rules.js';

/**
 * What can be proved about a plan before anyone approves it, rule by rule in a fixed order. A plan with a diagnostic of severity
 * `error` cannot be approved. Linear in the size of the plan.
 */
export function analyzePlan(plan: Plan): Diagnostic[] {
  let found = known.get(plan);
  if (!found) {
    found = diagnosePlan(plan);
    if (Object.isFrozen(plan)) known.set(plan, found);
  }
  return [...found];
}

/** What was found of plans that cannot change any more: the same plan is looked at when it is proposed, and when it is approved. */
const known = new WeakMap<Plan, readonly Diagnostic[]>();

function diagnosePlan(plan: Plan): readonly Diagnostic[] {
  const graph = createStepGraph(plan.steps);
  const facts: PlanFacts = { plan, graph, levels: stepLevels(graph) };
  return rules.flatMap((rule) => diagnose(rule, facts));
}

const diagnose = ({ code, severity, check }: Rule, facts: PlanFacts): Diagnostic[] =>
  check(facts).map(({ message, stepIds = [] }) =>
    deepFreeze({ code, severity, message, stepIds: [...stepIds], page: `docs/diagnostics.md#${code}` }),
  );
