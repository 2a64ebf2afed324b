import type { Plan } from '../ports/plan.js';
import type { StepGraph } from '../plan/step-graph.js';
import type { Severity } from './diagnostic.js';

/** What rules look at: a plan, and what several of them would otherwise compute again. */
export interface PlanFacts {
  readonly plan: Plan;
  readonly graph: StepGraph;
  /** The wave of each step by index, 0 for the first. */
  readonly levels: Int32Array;
}

/** What a rule found; the analysis adds code, severity and page. */
export interface Finding {
  readonly message: string;
  /** Default: none; the finding is about the whole plan. */
  readonly stepIds?: readonly string[];
}

/** One thing to look for. Its findings come in the order of the plan, and each of them is provable from the plan alone. */
export interface Rule {
  readonly code: string;
  readonly severity: Severity;
  check(facts: PlanFacts): readonly Finding[];
}
