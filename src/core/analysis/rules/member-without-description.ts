import { listIds } from '../list-ids.js';
import type { Rule } from '../rule.js';

/** Whoever delegates knows of a role what its description says. */
export const memberWithoutDescription: Rule = {
  code: 'member-without-description',
  severity: 'warning',
  check({ plan }) {
    const silent = (plan.expansion?.team ?? []).filter(({ description = '' }) => description.trim() === '');
    if (silent.length === 0) return [];
    const roles = silent.map(({ role }) => role);
    const message = `Whoever decides who is to do what is told nothing of the ${roles.length === 1 ? 'role' : 'roles'} ${listIds(roles)} but the name. Say in its description when to turn to it.`;
    return [{ message }];
  },
};
