import type { Plan } from '../ports/plan.js';
import { quote, type Issue } from '../shared/issue.js';

/** Why a part of a plan cannot be approved: it names what is no work step, or leaves out something that a part of it waits for. */
export function partialIssues(plan: Plan, steps: readonly string[]): Issue[] {
  const work = new Map(plan.steps.filter(({ phase }) => phase === 'work').map((step) => [step.id, step]));
  const approved = new Set(steps);
  return steps.flatMap((id, place) => {
    const step = work.get(id);
    const report = (code: string, message: string): Issue => ({ code, pointer: `/steps/${place}`, message });
    if (!step)
      return [report('unknown-step', `Unknown plan node: ${quote(id)}. Only steps of the work can be approved one by one.`)];
    return step.dependsOn
      .filter((dependency) => work.has(dependency) && !approved.has(dependency))
      .map((dependency) =>
        report(
          'part-not-closed',
          `Node ${quote(id)} depends on ${quote(dependency)}, which is not in the approved set. Approve it too.`,
        ),
      );
  });
}
