import type { PlanRole } from '../../ports/plan.js';
import { canonicalJson } from '../../shared/canonical-json.js';
import { agentsOf } from '../agents-of.js';
import { listIds } from '../list-ids.js';
import type { Rule } from '../rule.js';

/** Several agents in a row that differ in neither tools nor context: one of them could do it all. */
export const singleAgentWouldDo: Rule = {
  code: 'single-agent-would-do',
  severity: 'info',
  check({ plan, levels }) {
    const used = new Set(plan.steps.flatMap(({ role }) => role ?? []));
    const roles = plan.roles.filter(({ key }) => used.has(key));
    const isSequence = new Set(levels).size === levels.length;
    if (!isSequence || agentsOf(plan).size < 2 || !areAlike(roles)) return [];
    const message = `The roles ${listIds(roles.map(({ key }) => key))} have the same tools and the same context, and no two steps run in parallel. One role would do, with fewer handovers.`;
    return [{ message }];
  },
};

/** Roles that keep a conversation of their own (`clear: false`) each have another context. */
const areAlike = (roles: readonly PlanRole[]): boolean =>
  roles.every(({ clear }) => clear) && new Set(roles.map(workingConditions)).size === 1;

function workingConditions(role: PlanRole): string {
  const { tools, promptTemplate } = role;
  if (role.kind === 'existing') return canonicalJson({ tools, promptTemplate });
  const { title, persona, skills } = role.hire;
  return canonicalJson({ tools, promptTemplate, hire: { title, persona, skills } });
}
