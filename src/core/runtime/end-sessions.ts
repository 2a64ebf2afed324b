import type { Kernel } from '../kernel/create-kernel.js';
import type { StepDefinition } from '../materializer/definition.js';
import type { SessionEnd } from '../ports/agent.js';
import type { Clock } from '../ports/clock.js';
import type { AgentDirectory } from './agent-directory.js';
import { withinLimit } from './within-limit.js';

export interface EndSessionsOptions {
  readonly runId: string;
  readonly kernel: Kernel;
  readonly agents: AgentDirectory;
  readonly sessionOf: (step: StepDefinition) => string;
  readonly clock: Clock;
  /** For all of them together. */
  readonly limitMs: number;
}

/** Calls under way at one time. */
const atOnce = 50;

/**
 * Tells the agents of a run which want to know that their conversations are over: each once, those of steps that have begun, also in an earlier
 * process. What an agent does with it is its own affair. `undefined` where none wants to know.
 */
export function endSessions(options: EndSessionsOptions, reason: SessionEnd['reason']): Promise<unknown> | undefined {
  const { runId, agents, clock, limitMs } = options;
  const sessions = sessionsOf(options);
  if (sessions.length === 0) return undefined;
  const next = sessions.values();
  const tell = async (): Promise<void> => {
    for (const { agentId, role, session } of next) {
      // One that fails or hangs must not keep the others from hearing.
      await Promise.resolve()
        .then(() => agents.findAgent(agentId)?.endSession?.({ runId, role, session, reason }))
        .catch(() => undefined);
    }
  };
  return withinLimit(clock, limitMs, Promise.all(Array.from({ length: Math.min(atOnce, sessions.length) }, tell)));
}

interface Session {
  readonly agentId: string;
  readonly role: string;
  readonly session: string;
}

function sessionsOf({ kernel, agents, sessionOf }: EndSessionsOptions): Session[] {
  const sessions = new Map<string, Session>();
  const wantsToKnow = remembered((agentId) => agents.findAgent(agentId)?.endSession !== undefined);
  const add = (agentId: string | undefined, step: StepDefinition): void => {
    if (agentId === undefined || !wantsToKnow(agentId)) return;
    const session = { agentId, role: step.role ?? '', session: sessionOf(step) };
    sessions.set(JSON.stringify([agentId, session.session]), session);
  };
  for (const { id, status } of kernel.statuses()) {
    if (kernel.attempt(id) === 0) continue;
    const step = kernel.step(id);
    for (const agentId of kernel.callees(id).called) add(agentId, step);
    const wasUndone = status === 'compensating' || status === 'compensated';
    if (wasUndone && step.compensation) add(step.compensationAgentId, { ...step, role: step.compensation.role });
  }
  return [...sessions.values()];
}

function remembered(answer: (agentId: string) => boolean): (agentId: string) => boolean {
  const known = new Map<string, boolean>();
  return (agentId) => {
    let is = known.get(agentId);
    if (is === undefined) known.set(agentId, (is = answer(agentId)));
    return is;
  };
}
