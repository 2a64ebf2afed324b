import type { Agent, AgentFunction } from '../ports/agent.js';
import { AgentNotFoundError } from './errors.js';

/** The agents of an orchestrator by id or, forked, those of one run: the same, and those that were hired for it. */
export interface AgentDirectory {
  find(agentId: string): AgentFunction | undefined;
  findAgent(agentId: string): Agent | undefined;
  /** @throws AgentNotFoundError */
  require(agentId: string, role?: string): AgentFunction;
  /** Adds an agent to this directory, and to no other. One that was given to the orchestrator keeps its id. */
  add(agentId: string, agent: Agent | AgentFunction): void;
  remove(agentId: string): void;
  /** A directory of the agents given to the orchestrator, whose additions nobody else sees. */
  fork(): AgentDirectory;
}

type Agents = Map<string, Agent | AgentFunction>;

export const createAgentDirectory = (agents: Readonly<Record<string, Agent | AgentFunction>>): AgentDirectory =>
  directoryOf(new Map(Object.entries(agents)), new Map());

function directoryOf(given: Readonly<Agents>, added: Agents): AgentDirectory {
  const find = (agentId: string): AgentFunction | undefined => {
    const agent = given.get(agentId) ?? added.get(agentId);
    if (agent === undefined) return undefined;
    return typeof agent === 'function' ? agent : (request, context) => agent.run(request, context);
  };
  return {
    find,
    findAgent(agentId) {
      const agent = given.get(agentId) ?? added.get(agentId);
      return typeof agent === 'function' ? { run: agent } : agent;
    },
    require(agentId, role) {
      const agent = find(agentId);
      if (!agent) throw new AgentNotFoundError(agentId, role, [...given.keys(), ...added.keys()]);
      return agent;
    },
    add: (agentId, agent) => void added.set(agentId, agent),
    remove: (agentId) => void added.delete(agentId),
    fork: () => directoryOf(given, new Map()),
  };
}
