import type { Agent, AgentFunction } from '../ports/agent.js';
import { AgentNotFoundError } from './errors.js';

/** The agents of an orchestrator by id, and those that were hired for its runs. */
export interface AgentDirectory {
  find(agentId: string): AgentFunction | undefined;
  /** @throws AgentNotFoundError */
  require(agentId: string, role?: string): AgentFunction;
  add(agentId: string, agent: Agent | AgentFunction): void;
  remove(agentId: string): void;
}

export function createAgentDirectory(agents: Readonly<Record<string, Agent | AgentFunction>>): AgentDirectory {
  const given = new Map(Object.entries(agents));
  const hired = new Map<string, Agent | AgentFunction>();
  const find = (agentId: string): AgentFunction | undefined => {
    const agent = given.get(agentId) ?? hired.get(agentId);
    if (agent === undefined) return undefined;
    return typeof agent === 'function' ? agent : (request, context) => agent.run(request, context);
  };
  return {
    find,
    require(agentId, role) {
      const agent = find(agentId);
      if (!agent) throw new AgentNotFoundError(agentId, role, [...given.keys(), ...hired.keys()]);
      return agent;
    },
    add: (agentId, agent) => void hired.set(agentId, agent),
    remove: (agentId) => void hired.delete(agentId),
  };
}
