import { asObject } from '../loose.js';
import type { Rule } from './rule.js';

/** `no-roles`, `no-tickets`, and everything of which there are too many: `too-many-roles`, `-tickets`, `-dependencies`, `-rounds`. */
export const checkCounts: Rule = ({ sketch, limits, issues }) => {
  const { fields, roles, tickets } = sketch;
  if (Array.isArray(fields['roles']) && roles.length === 0) issues.add('no-roles', ['roles'], 'at least one role is required');
  if (Array.isArray(fields['tickets']) && tickets.length === 0) {
    issues.add('no-tickets', ['tickets'], 'at least one ticket is required');
  }
  const atMost = (what: string, path: readonly PropertyKey[], counted: { readonly count: number; readonly max: number }) => {
    const { count, max } = counted;
    if (count > max) issues.add(`too-many-${what}`, path, `too many ${what} (${count}); max is ${max}`);
  };
  const dependencies = tickets.reduce((sum, { dependsOn }) => sum + dependsOn.length, 0);
  const rounds = asObject(fields['discussion'])['rounds'];
  atMost('roles', ['roles'], { count: roles.length, max: limits.maxRoles });
  atMost('tickets', ['tickets'], { count: tickets.length, max: limits.maxTickets });
  atMost('dependencies', ['tickets'], { count: dependencies, max: limits.maxDependencies });
  atMost('rounds', ['discussion', 'rounds'], { count: typeof rounds === 'number' ? rounds : 0, max: limits.maxRounds });
};
