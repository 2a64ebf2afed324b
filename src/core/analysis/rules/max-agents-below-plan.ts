import { agentsOf } from '../agents-of.js';
import type { Rule } from '../rule.js';

/** `budget.maxAgents` is below the number of agents that the plan's steps call. */
export const maxAgentsBelowPlan: Rule = {
  code: 'max-agents-below-plan',
  severity: 'error',
  check({ plan }) {
    const { maxAgents } = plan.budget;
    const agents = agentsOf(plan).size;
    if (maxAgents === undefined || agents <= maxAgents) return [];
    return [
      {
        message: `The plan takes ${agents} agents, but budget.maxAgents is ${maxAgents}. Raise it, or give roles the same agent.`,
      },
    ];
  },
};
