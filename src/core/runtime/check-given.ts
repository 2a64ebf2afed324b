import { checkJsonSchema } from '../schema/json-schema.js';
import type { Plan } from '../ports/plan.js';
import { planDigest } from '../plan/plan-digest.js';
import type { Task } from '../plan/plan-task.js';
import { deepFreeze } from '../shared/freeze.js';
import { type Issue, quote } from '../shared/issue.js';
import { err, ok, type Result } from '../shared/result.js';
import { ownJson } from '../shared/own-json.js';

const members: ReadonlySet<string> = new Set<keyof Task>([
  ...(['instructions', 'input', 'effect', 'tools', 'context'] as const),
  ...(['outputSchema', 'retry', 'timeoutMs', 'totalTimeoutMs', 'heartbeatTimeoutMs', 'estimate', 'budget'] as const),
]);

/** Why a task cannot be run. It comes from code, typed or not, so what a mistake there would hide is looked for. */
export function checkTask(task: unknown): Result<Task, Issue[]> {
  const fault = (code: string, pointer: string, message: string): Issue => ({ code, pointer, message });
  const json = ownJson(task);
  if (!json.ok) return err([fault('not-json', '', `The task is not JSON ${json.error}.`)]);
  if (typeof json.value !== 'object' || json.value === null || Array.isArray(json.value)) {
    return err([fault('wrong-type', '', `A task is a text or an object with instructions; found ${quote(task)}.`)]);
  }
  const { instructions, outputSchema, tools } = json.value as Record<string, unknown>;
  const issues = Object.keys(json.value)
    .filter((key) => !members.has(key))
    .map((key) => fault('unknown-key', `/${key}`, `A task has no "${key}". There are ${[...members].join(', ')}.`));
  if (typeof instructions !== 'string' || instructions.trim() === '') {
    issues.push(fault('blank-text', '/instructions', 'A task needs instructions.'));
  }
  if (tools !== undefined && !(Array.isArray(tools) && tools.every((name) => typeof name === 'string')))
    issues.push(fault('wrong-type', '/tools', `A task's tools are a list of names; found ${quote(tools)}.`));
  const malformed = outputSchema === undefined ? undefined : checkJsonSchema(outputSchema);
  if (malformed !== undefined) {
    issues.push(fault('malformed-schema', '/outputSchema', `The output schema is malformed: ${malformed}.`));
  }
  return issues.length > 0 ? err(issues) : ok(json.value as unknown as Task);
}

/** A frozen copy of a plan that `definePlan` or `planProposal` made, or why it is none: one that was altered has another digest. */
export function checkPlan(plan: Plan): Result<Plan, Issue[]> {
  const own = ownJson(plan);
  if (!own.ok) return err([{ code: 'not-json', pointer: '', message: `The plan is not JSON ${own.error}.` }]);
  const copy = deepFreeze(own.value) as unknown as Partial<Plan> | null;
  const digest = Array.isArray(copy?.steps) ? planDigest(copy as Plan) : 'none';
  if (digest === copy?.digest) return ok(copy as Plan);
  const message = `The plan says that its digest is ${quote(copy?.digest)}, but it is "${digest}". Make plans with definePlan or planProposal.`;
  return err([{ code: 'digest-mismatch', pointer: '/digest', message }]);
}

/** Who pays for a run, if anyone in particular does. */
export function checkTenant({ tenant }: { readonly tenant?: unknown }): Result<{ readonly tenant?: string }, Issue[]> {
  if (tenant === undefined) return ok({});
  if (isTenant(tenant)) return ok({ tenant });
  const message = `A tenant is a text with a character that can be seen, not ${quote(tenant)}. Leave it out where nobody in particular pays.`;
  return err([{ code: 'blank-text', pointer: '/tenant', message }]);
}

/** Also one that a store can hold: half a surrogate pair would come back as something else. */
export const isTenant = (value: unknown): value is string =>
  typeof value === 'string' && /\S/.test(value) && value.isWellFormed();
