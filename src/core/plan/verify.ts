import type { PlanStep, StepTemplate } from '../ports/plan.js';
import type { VerificationSpec } from '../ports/proposal.js';
import { type Issue, quote } from '../shared/issue.js';
import { placeholdersOf } from '../shared/placeholder.js';
import { verdictSchema, verificationTemplate, workTemplate } from '../shared/verification.js';
import { type PlanSource, pointerIn } from './check-drafts.js';
import { defaultRetry, timeLimitsOf } from './step-defaults.js';

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

/** Placeholders in what a verifier is asked that nothing it is given will fill: issue `unknown-placeholder`. */
export function checkVerifications(
  source: PlanSource,
  steps: readonly PlanStep[],
  specs: ReadonlyMap<string, VerificationSpec>,
): Issue[] {
  const at = pointerIn(source);
  return steps.flatMap(({ id, input, phase }) => {
    const given = new Set(['result', ...input]);
    const strange = placeholdersOf(specs.get(id)?.instructions ?? '').filter((name) => !given.has(name));
    const pointer = phase === 'synthesis' ? '/synthesis/verify/instructions' : at(id, 'verify', 'instructions');
    return strange.map((name): Issue => {
      const message = `The verification of ${quote(id)} names {{input.${name}}}, which is neither "result" nor one of the inputs of ${quote(id)}.`;
      return { code: 'unknown-placeholder', pointer, message };
    });
  });
}

function goalOf(
  { timeoutMs: _timeoutMs, totalTimeoutMs: _total, heartbeatTimeoutMs: _heartbeat, ...step }: PlanStep,
  { instructions, maxReworks = defaultReworks }: VerificationSpec,
): PlanStep {
  const verify = { instructions, maxReworks };
  return { ...step, effect: 'none', retry: defaultRetry, resources: [], expands: 'verification', verify };
}

function workOf(step: PlanStep): StepTemplate {
  const { kind, phase, role, outputSchema, effect, retry, resources, priority, expands } = step;
  return {
    ...{ kind, phase, effect, retry, resources, priority, onFailure: 'continue' },
    ...(role !== undefined && { role }),
    ...(outputSchema !== undefined && { outputSchema }),
    ...timeLimitsOf(step),
    ...(expands !== undefined && { expands }),
  };
}

const checkOf = ({ phase, priority }: PlanStep, { role, retry, timeoutMs }: VerificationSpec): StepTemplate => ({
  ...{ kind: 'verification', phase, role, priority, effect: 'none', resources: [], onFailure: 'continue' },
  retry: retry === undefined ? defaultRetry : { ...defaultRetry, ...retry },
  ...(timeoutMs !== undefined && { timeoutMs }),
  outputSchema: verdictSchema,
});
