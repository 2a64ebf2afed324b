import { govern } from '../deciding/govern.js';
import type { Json } from '../shared/json.js';
import { digestOf } from '../shared/digest.js';
import { compileJsonSchema } from '../schema/json-schema.js';
import { askedFor, type AskedPolicy } from './asked-policy.js';
import { noteEnded } from './doubt.js';
import { IllegalInputError } from './illegal-input-error.js';
import { mustMoveStep } from './move-step.js';
import { isApproved } from './policy-approvals.js';
import { gateStep, policiesOf, questionOf, tellApplied } from './policy-gates.js';
import { publish, statusOf, stepOf, type RunCore } from './run-core.js';
import { expectAttempt, indexOf, type StepInput } from './step-inputs.js';
import { settleCancelled } from './stop-run.js';

/** A tool that the present attempt at a step, or at undoing it, wants to call. */
export interface ToolCall {
  readonly tool: string;
  readonly input: Json;
}

/** What the policies say of a call; `isApproved`: a person has let just this call through already. */
export interface ToolRuling {
  readonly asked: AskedPolicy;
  readonly isApproved: boolean;
}

/** Asks the policies about a call of a tool; `undefined` where none applies. Changes nothing. */
export function ruleTool(core: RunCore, index: number, { tool, input }: ToolCall): ToolRuling | undefined {
  const policies = policiesOf(core);
  if (policies.length === 0) return undefined;
  const fits = (schema: Parameters<typeof compileJsonSchema>[0]): boolean => {
    const compiled = compileJsonSchema(schema);
    return compiled.ok && compiled.value.validate(input).length === 0;
  };
  const question = questionOf(core, index, { transition: 'tool', tool: { name: tool, fits } });
  const { compensation } = stepOf(core, index);
  const isUndoing = statusOf(core, index) === 'compensating';
  const ruling = govern(policies, isUndoing ? { ...question, kind: 'compensation', role: compensation?.role } : question);
  if (!ruling) return undefined;
  const attempt = core.columns.attempt[index]!;
  const asked = askedFor(ruling.policy, { transition: 'tool', attempt, tool, call: digestOf({ tool, input }) });
  return { asked, isApproved: isApproved(core, index, asked) };
}

/** What was decided of a call is on record before the tool is called. */
export function onToolRuled(core: RunCore, input: StepInput<'step.tool-ruled'>): void {
  const index = indexOf(core, input);
  expectAttempt(core, index, { input, statuses: ['running', 'compensating'] });
  const { attempt, policy, verdict, reason, tool } = input;
  tellApplied(core, index, { policy, verdict, transition: 'tool', reason, attempt, tool });
}

/** The attempt has ended because a tool that it wants to call needs a person. Once that is approved, it is begun once more. */
export function onInterrupted(core: RunCore, input: StepInput<'step.interrupted'>): void {
  const index = indexOf(core, input);
  expectAttempt(core, index, { input, statuses: ['running'] });
  const { stepId, attempt, policy, reason, tool, call, spend, at } = input;
  if (stepOf(core, index).effect === 'once')
    throw new IllegalInputError(input.type, 'running', stepId, 'what may happen only once cannot be begun once more');
  core.ledger.settle(index, spend);
  publish(core, { type: 'step.spent', stepId, attempt, spend });
  if (core.run.stop) {
    settleCancelled(core, index, at);
    return noteEnded(core, index);
  }
  const asked = { policy, verdict: 'require-approval', transition: 'tool', reason, attempt, tool, call } as const;
  gateStep(core, index, {
    asked,
    at,
    // The same attempt, under the same id: it is not one of the retries.
    before: () => {
      mustMoveStep(core, index, 'LOSE', { at });
      core.undo.set(core.columns.again, index, 1);
    },
  });
}
