import type { PlanStep } from '../ports/plan.js';
import { type Issue, quote } from '../shared/issue.js';
import { placeholdersOf } from '../shared/placeholder.js';
import { type PlanSource, pointerIn } from './check-drafts.js';
import { phasePointer } from './check-steps.js';
import type { StepGraph } from './step-graph.js';
import { notUpstream, type UpstreamQuestion } from './upstream.js';

/** Inputs that no step upstream could give: issue `input-not-upstream`. */
export function checkInputs(
  { proposal, steps }: { readonly proposal: PlanSource; readonly steps: readonly PlanStep[] },
  sorted: { readonly graph: StepGraph; readonly order: Int32Array },
): Issue[] {
  const at = pointerIn(proposal);
  const refuse = ({ id }: PlanStep, input: string, why: string): Issue => ({
    code: 'input-not-upstream',
    pointer: at(id, 'input'),
    message: `Step ${quote(id)} reads ${quote(input)}, which ${why}. An input must be something that the step waits for.`,
  });
  const issues: Issue[] = [];
  const questions: (UpstreamQuestion & { readonly input: string })[] = [];
  steps.forEach((step, from) => {
    const direct = new Set(step.dependsOn);
    for (const input of step.input) {
      if (direct.has(input)) continue;
      const target = sorted.graph.indexOf.get(input);
      if (target === undefined) issues.push(refuse(step, input, 'is no step'));
      else questions.push({ from, target, input });
    }
  });
  for (const { from, input } of notUpstream(questions, sorted)) {
    issues.push(refuse(steps[from]!, input, 'does not lie upstream of it'));
  }
  return issues;
}

/** Placeholders in instructions that none of the step's inputs will fill: issue `unknown-placeholder`. */
export function checkPlaceholders(proposal: PlanSource, steps: readonly PlanStep[]): Issue[] {
  const at = pointerIn(proposal);
  const issues: Issue[] = [];
  for (const step of steps) {
    const named = placeholdersOf(step.instructions);
    if (named.length === 0) continue;
    const inputs = new Set([...step.input, ...Object.keys(step.given ?? {})]);
    if (step.join === 'all-settled') inputs.add('gaps');
    for (const name of Object.keys(step.given ?? {})) inputs.add(name);
    for (const id of named.filter((name) => !inputs.has(name))) {
      const phase = phasePointer(step);
      issues.push({
        code: 'unknown-placeholder',
        pointer: phase === undefined ? at(step.id, 'instructions') : `${phase}/instructions`,
        message: `The instructions of ${quote(step.id)} name {{input.${id}}}, which is none of its inputs: ${listed(step.input)}.`,
      });
    }
  }
  return issues;
}

const listed = (inputs: readonly string[]): string => {
  const shown = inputs.slice(0, 8).map(quote).join(', ');
  return inputs.length > 8 ? `${shown} and ${inputs.length - 8} more` : shown || 'it has none';
};
