import type { Rule } from './rule.js';
import { budgetBelowMinimum } from './rules/budget-below-minimum.js';
import { compensationWithoutEffect } from './rules/compensation-without-effect.js';
import { deadlineBelowCriticalPath } from './rules/deadline-below-critical-path.js';
import { estimateOverTimeout } from './rules/estimate-over-timeout.js';
import { malformedSchema } from './rules/malformed-schema.js';
import { maxAgentsBelowPlan } from './rules/max-agents-below-plan.js';
import { maxStepsBelowPlan } from './rules/max-steps-below-plan.js';
import { memberWithoutDescription } from './rules/member-without-description.js';
import { noSpendCeiling } from './rules/no-spend-ceiling.js';
import { noTimeout } from './rules/no-timeout.js';
import { observerWithEffect } from './rules/observer-with-effect.js';
import { onceWithRetry } from './rules/once-with-retry.js';
import { outputNeverValid } from './rules/output-never-valid.js';
import { placeholderOfNull } from './rules/placeholder-of-null.js';
import { reduceOfNothing } from './rules/reduce-of-nothing.js';
import { reduceWithoutReducer } from './rules/reduce-without-reducer.js';
import { resourceNeverFree } from './rules/resource-never-free.js';
import { routeWithoutDefault } from './rules/route-without-default.js';
import { singleAgentWouldDo } from './rules/single-agent-would-do.js';
import { singleSlotInWave } from './rules/single-slot-in-wave.js';
import { stepNotAwaited } from './rules/step-not-awaited.js';
import { twoWriters } from './rules/two-writers.js';
import { unknownReducer } from './rules/unknown-reducer.js';

/** All rules, in the order in which their findings are given: what stands against approval first. */
export const rules: readonly Rule[] = [
  malformedSchema,
  outputNeverValid,
  resourceNeverFree,
  reduceWithoutReducer,
  reduceOfNothing,
  twoWriters,
  unknownReducer,
  observerWithEffect,
  budgetBelowMinimum,
  maxStepsBelowPlan,
  maxAgentsBelowPlan,
  deadlineBelowCriticalPath,
  estimateOverTimeout,
  stepNotAwaited,
  placeholderOfNull,
  routeWithoutDefault,
  onceWithRetry,
  compensationWithoutEffect,
  memberWithoutDescription,
  singleAgentWouldDo,
  singleSlotInWave,
  noTimeout,
  noSpendCeiling,
];
