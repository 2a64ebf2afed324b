import type { StepDefinition } from '../materializer/definition.js';
import type { Agent, AgentRequest } from '../ports/agent.js';
import type { Clock } from '../ports/clock.js';
import type { ProbeFinding } from '../ports/run.js';
import { quote } from '../shared/issue.js';
import { outcomeOf } from './attempt-outcome.js';
import { codeOf, messageOf } from '../shared/thrown.js';

export interface ProbeOptions {
  readonly agent: Agent | undefined;
  readonly request: AgentRequest;
  readonly step: StepDefinition;
  readonly clock: Clock;
  /** How long the agent may take to find out. */
  readonly limitMs: number;
}

/** Asks an agent whether the effect of an attempt has happened. Never rejects: an agent that cannot tell leaves it unknown. */
export async function probeStep({ agent, request, step, clock, limitMs }: ProbeOptions): Promise<ProbeFinding> {
  if (!agent?.probe) return { kind: 'unknown' };
  const controller = new AbortController();
  const limit = clock.schedule(clock.now() + limitMs, () => controller.abort());
  const isOver = new Promise<undefined>((resolve) => controller.signal.addEventListener('abort', () => resolve(undefined)));
  try {
    const found: unknown = await Promise.race([agent.probe(request, { signal: controller.signal }), isOver]);
    return controller.signal.aborted ? unknown(`The agent's probe did not end within ${limitMs} ms.`) : readFinding(found, step);
  } catch (error) {
    return { kind: 'unknown', error: { code: codeOf(error, 'PROBE_FAILED'), message: messageOf(error) } };
  } finally {
    limit();
  }
}

const unknown = (message: string): ProbeFinding => ({ kind: 'unknown', error: { code: 'PROBE_FAILED', message } });

function readFinding(found: unknown, { outputSchema }: StepDefinition): ProbeFinding {
  const { happened } = (found ?? {}) as { readonly happened?: unknown };
  if (happened === false) return { kind: 'not-happened' };
  if (happened === 'unknown' || found === undefined || found === null) return { kind: 'unknown' };
  if (happened !== true)
    return unknown(`The agent's probe returned ${quote(found)} instead of { happened: true | false | 'unknown' }.`);
  const outcome = outcomeOf(found, outputSchema);
  // That it happened is not in doubt any more, but what came of it is.
  if (outcome.kind !== 'succeeded') return unknown(`The agent's probe says that it happened, but: ${outcome.error.message}`);
  return { kind: 'happened', output: outcome.output, spend: outcome.spend };
}
