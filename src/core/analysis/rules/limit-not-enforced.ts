import { listIds } from '../list-ids.js';
import type { Rule } from '../rule.js';

/** Limits that are part of the plan, but that this version does not keep. */
export const limitNotEnforced: Rule = {
  code: 'limit-not-enforced',
  severity: 'warning',
  check({ plan }) {
    const resources = Object.entries(plan.resources)
      .filter(([, limit]) => Object.keys(limit).length > 0)
      .map(([name]) => name)
      .sort();
    const roles = plan.roles.filter(({ concurrency }) => concurrency !== undefined).map(({ key }) => key);
    return [
      ...(resources.length > 0
        ? [{ message: `This version does not keep the limits of resources: ${listIds(resources)}.` }]
        : []),
      ...(roles.length > 0 ? [{ message: `This version does not keep the concurrency of roles: ${listIds(roles)}.` }] : []),
    ];
  },
};
