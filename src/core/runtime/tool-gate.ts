import type { Kernel } from '../kernel/create-kernel.js';
import type { StepDefinition } from '../materializer/definition.js';
import { AgentError } from '../shared/agent-error.js';
import type { InputBody, RunDriver } from './run-driver.js';
import { ownJson } from '../shared/own-json.js';
import { ToolApprovalNeededError, ToolDeniedError, ToolNotAllowedError } from './tool-errors.js';

/** What ends an attempt because a tool needs a person. */
export type Interruption = Pick<Extract<InputBody, { readonly type: 'step.interrupted' }>, 'policy' | 'reason' | 'tool' | 'call'>;

/** What stands between an attempt and its tools. */
export interface ToolGate {
  /** Set once a tool has needed a person: the attempt is over. */
  readonly interruption: Interruption | undefined;
  /** Resolves where a tool may be called; what a policy has said is durable by then. @throws ToolNotAllowedError, ToolDeniedError, ToolApprovalNeededError */
  admit(tool: string, input: unknown): Promise<void>;
}

export interface ToolGateOptions {
  readonly step: StepDefinition;
  /** Who makes the attempt. */
  readonly role: { readonly key: string; readonly tools: readonly string[] };
  readonly attempt: number;
  readonly isUndoing: boolean;
  readonly signal: AbortSignal;
  readonly kernel: () => Kernel;
  readonly driver: Pick<RunDriver, 'submit'>;
}

/** Refusals of one attempt that are put on record; an agent that tries for ever must not fill the store. */
const mostRefusals = 100;

export function createToolGate({ step, role, attempt, isUndoing, signal, kernel, driver }: ToolGateOptions): ToolGate {
  const { id: stepId, effect } = step;
  let interruption: Interruption | undefined;
  let refusals = 0;

  /** On record before anything follows from it. What the run does not want any more, it does not do. */
  const record = async (ruling: {
    readonly policy: string;
    readonly verdict: 'allow' | 'deny';
    readonly reason: string;
    readonly tool: string;
  }) => {
    if (ruling.verdict === 'deny') refusals += 1;
    if (ruling.verdict === 'allow' || refusals <= mostRefusals)
      await driver.submit({ type: 'step.tool-ruled', stepId, attempt, ...ruling });
  };
  const deny = async (policy: string, tool: string, reason: string): Promise<never> => {
    await record({ policy, verdict: 'deny', reason, tool });
    throw new ToolDeniedError(policy, tool, reason);
  };

  return {
    get interruption() {
      return interruption;
    },
    async admit(tool, given) {
      signal.throwIfAborted();
      if (interruption) throw new ToolApprovalNeededError(interruption.policy, interruption.tool, interruption.reason);
      if (!role.tools.includes(tool)) {
        await record({ policy: `tools:${role.key}`, verdict: 'deny', reason: `It is not among the tools of the role.`, tool });
        throw new ToolNotAllowedError(role.key, tool, role.tools);
      }
      const input = ownJson(given ?? null);
      if (!input.ok)
        throw new AgentError(`The input of the tool "${tool}" is not JSON ${input.error}.`, { reason: 'input_not_json' });
      const ruling = kernel().ruleTool(stepId, { tool, input: input.value });
      if (!ruling || ruling.isApproved) return;
      const { policy, verdict, reason, call = '' } = ruling.asked;
      if (verdict === 'allow') return record({ policy, verdict, reason, tool });
      if (verdict === 'deny') return deny(policy, tool, reason);
      const obstacle = isUndoing ? undoing : effect === 'once' ? onlyOnce : undefined;
      if (obstacle !== undefined) return deny(policy, tool, `${reason} ${obstacle}`);
      interruption = { policy, reason, tool, call };
      throw new ToolApprovalNeededError(policy, tool, reason);
    },
  };
}

const undoing = 'A person cannot be asked while a step is being undone.';
const onlyOnce =
  'A person cannot be asked in the middle of a step with the effect "once": what it has done by then may not be done again.';
