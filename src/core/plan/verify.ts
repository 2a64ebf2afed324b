import type { PlanStep, StepTemplate } from '../ports/plan.js';
import type { VerificationSpec } from '../ports/proposal.js';
import { verdictSchema, verificationTemplate, workTemplate } from '../shared/verification.js';
import { defaultRetry } from './step-defaults.js';

/** Steps of which some are verified, and what is added for those while they run. */
export interface Verified {
  readonly steps: readonly PlanStep[];
  readonly templates: Readonly<Record<string, StepTemplate>>;
}

/** How often what did not pass is done again, where nothing is said of it. */
const defaultReworks = 2;

/**
 * Lets steps be verified: each becomes a goal, whose work and whose checks are added while it runs. What says how the step is carried out goes
 * to the work; budget, gate and compensation stay with the goal.
 */
export function verifySteps(steps: readonly PlanStep[], specs: ReadonlyMap<string, VerificationSpec>): Verified {
  if (specs.size === 0) return { steps, templates: {} };
  const templates: [string, StepTemplate][] = [];
  const changed = steps.map((step) => {
    const spec = specs.get(step.id);
    if (!spec) return step;
    templates.push([workTemplate(step.id), workOf(step)], [verificationTemplate(step.id), checkOf(step, spec)]);
    return goalOf(step, spec);
  });
  return { steps: changed, templates: Object.fromEntries(templates) };
}

function goalOf(
  { timeoutMs: _timeoutMs, ...step }: PlanStep,
  { instructions, maxReworks = defaultReworks }: VerificationSpec,
): PlanStep {
  const verify = { instructions, maxReworks };
  return { ...step, effect: 'none', retry: defaultRetry, resources: [], expands: 'verification', verify };
}

function workOf(step: PlanStep): StepTemplate {
  const { kind, phase, role, outputSchema, effect, retry, timeoutMs, resources, priority, expands } = step;
  return {
    ...{ kind, phase, effect, retry, resources, priority, onFailure: 'continue' },
    ...(role !== undefined && { role }),
    ...(outputSchema !== undefined && { outputSchema }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(expands !== undefined && { expands }),
  };
}

const checkOf = ({ phase, priority }: PlanStep, { role, retry, timeoutMs }: VerificationSpec): StepTemplate => ({
  ...{ kind: 'verification', phase, role, priority, effect: 'none', resources: [], onFailure: 'continue' },
  retry: retry === undefined ? defaultRetry : { ...defaultRetry, ...retry },
  ...(timeoutMs !== undefined && { timeoutMs }),
  outputSchema: verdictSchema,
});
