import type { PlanStep } from '../ports/plan.js';
import { type Issue, quote } from '../shared/issue.js';
import { type PlanSource, pointerIn } from './check-drafts.js';

/** What is wrong with the roles and dependencies that steps name. */
export function checkReferences(proposal: PlanSource, steps: readonly PlanStep[]): Issue[] {
  const at = pointerIn(proposal);
  const roles = new Set(proposal.roles.map(({ key }) => key));
  const ids = new Set(steps.map(({ id }) => id));
  const issues: Issue[] = [];
  for (const step of steps) {
    const report = (code: string, path: readonly PropertyKey[], message: string) =>
      issues.push({ code, pointer: phasePointer(step) ?? at(step.id, ...path), message });
    if (step.role !== undefined && !roles.has(step.role)) {
      report(
        'unknown-role',
        ['role'],
        `Step ${quote(step.id)} has the role ${quote(step.role)}, which the proposal does not declare.`,
      );
    }
    if (step.role === undefined && needsRole(step)) {
      report('missing-role', ['role'], `Step ${quote(step.id)} of kind "${step.kind}" needs a role to carry it out.`);
    }
    if (step.reducer !== undefined && step.kind !== 'reduce' && (step.role !== undefined || step.expands !== undefined)) {
      const message = `Step ${quote(step.id)} has the reducer ${quote(step.reducer)}, which calls no agent, and a role or steps of its own as well. Leave one out.`;
      report('role-and-reducer', ['reducer'], message);
    }
    const undoing = step.compensation?.role;
    if (undoing !== undefined && !roles.has(undoing)) {
      const message = `The compensation of ${quote(step.id)} has the role ${quote(undoing)}, which the proposal does not declare.`;
      report('unknown-role', ['compensation', 'role'], message);
    }
    for (const dependency of step.dependsOn) {
      if (ids.has(dependency) && dependency !== 'synthesis') continue;
      report(
        'unknown-dependency',
        ['dependsOn'],
        `Step ${quote(step.id)} depends on ${quote(dependency)}, which is no step of the work.`,
      );
    }
  }
  return issues;
}

const needsRole = ({ kind, routes, reducer }: PlanStep): boolean =>
  kind !== 'reduce' && !(kind === 'route' ? routes !== undefined : reducer !== undefined);

/** The member of the proposal that a step outside the work comes from. */
export function phasePointer({ phase }: PlanStep): string | undefined {
  return phase === 'work' ? undefined : `/${phase}`;
}
