import type { ExpansionBounds } from '../ports/plan.js';
import type { Arrangement } from '../ports/topology.js';
import { type Issue, quote } from '../shared/issue.js';
import type { PlanSource } from './check-drafts.js';

const boundNames: readonly (keyof ExpansionBounds)[] = ['steps', 'decisions', 'delegations', 'handoffs', 'parallel', 'depth'];

/** What is wrong with whom and how much an arrangement may add: a bound that is no number bounds nothing. */
export function checkGrowth({ roles }: PlanSource, { bounds, team }: Arrangement): Issue[] {
  const known = new Set(roles.map(({ key }) => key));
  const given: Readonly<Partial<Record<string, unknown>>> = { ...bounds };
  const unbounded = boundNames.filter((name) => !isCount(given[name]));
  const strange = team.filter((role) => !known.has(role));
  return [
    ...unbounded.map((name) =>
      issueOf('invalid-bound', `The topology bounds ${name} by ${quote(given[name])}. Give a whole number from 0 on.`),
    ),
    ...strange.map((role) =>
      issueOf('unknown-role', `The team of the topology has the role ${quote(role)}, which the proposal does not declare.`),
    ),
  ];
}

const isCount = (bound: unknown): boolean => Number.isSafeInteger(bound) && (bound as number) >= 0;
const issueOf = (code: string, message: string): Issue => ({ code, pointer: '/topology', message });
