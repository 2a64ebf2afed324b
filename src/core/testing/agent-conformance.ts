import type { Agent, AgentFunction, AgentRequest, AgentResult } from '../ports/agent.js';
import type { Clock } from '../ports/clock.js';
import type { Usage } from '../ports/usage.js';
import { systemClock } from '../runtime/system-clock.js';
import { compileJsonSchema } from '../schema/json-schema.js';
import { canonicalJson } from '../shared/canonical-json.js';
import { deepFreeze } from '../shared/freeze.js';
import { createRecordedContext, sampleRequest } from './agent-call.js';
import { type ConformanceCase, ConformanceError } from './conformance-case.js';

export interface AgentConformanceOptions {
  /** What to ask for, where the sample does not suit the agent. */
  readonly request?: Partial<AgentRequest>;
  /** How long a call may go on after it was aborted, in milliseconds. Default: 1,000. */
  readonly graceMs?: number;
  /** Where the grace is measured. Default: real time. */
  readonly clock?: Clock;
}

/**
 * What every agent must do, as cases for any test runner. Each case calls the agent once or twice.
 *
 * @example
 * for (const { name, run } of agentConformance()) it(name, () => run(() => createMyAgent()));
 */
export function agentConformance({
  request,
  graceMs = 1_000,
  clock = systemClock,
}: AgentConformanceOptions = {}): readonly ConformanceCase<Agent | AgentFunction>[] {
  const sample = deepFreeze(sampleRequest(request));
  return rules.map(({ name, check }) => ({
    name,
    async run(create) {
      await check(name, { call: callerOf(await create()), sample, graceMs, clock });
    },
  }));
}

interface Subject {
  readonly call: AgentFunction;
  /** Frozen all the way down. */
  readonly sample: AgentRequest;
  readonly graceMs: number;
  readonly clock: Clock;
}

interface AgentRule {
  readonly name: string;
  /** @throws ConformanceError where the rule is broken. */
  readonly check: (rule: string, subject: Subject) => Promise<void>;
}

const rules: readonly AgentRule[] = [
  {
    name: 'answers a simple request with JSON',
    async check(rule, { call, sample }) {
      checkResult(rule, await answered(rule, () => call(sample, createRecordedContext())));
    },
  },
  {
    name: 'answers with what the declared schema asks for',
    async check(rule, { call, sample }) {
      const outputSchema = { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] };
      const { output } = await answered(rule, () => call({ ...sample, outputSchema }, createRecordedContext()));
      const schema = compileJsonSchema(outputSchema);
      const faults = schema.ok ? schema.value.validate(output) : [];
      if (faults.length > 0) throw new ConformanceError(rule, outputSchema, output);
    },
  },
  {
    name: 'gives a promise, and does not throw before',
    async check(rule, { call, sample }) {
      const promise = start(rule, () => call(sample, createRecordedContext()));
      const { then } = Object(promise) as { readonly then?: unknown };
      if (typeof then !== 'function') throw new ConformanceError(rule, 'a promise', promise);
      await promise;
    },
  },
  {
    name: 'reports usage in sane figures, if at all',
    async check(rule, { call, sample }) {
      const { usage } = await answered(rule, () => call(sample, createRecordedContext()));
      if (usage !== undefined) checkUsage(rule, usage);
    },
  },
  {
    name: 'serves two requests at once',
    async check(rule, { call, sample }) {
      const ask = (stepId: string) => answered(rule, () => call({ ...sample, stepId, session: stepId }, createRecordedContext()));
      for (const result of await Promise.all([ask('first'), ask('second')])) checkResult(rule, result);
    },
  },
  {
    name: 'ends within the grace when it is aborted',
    async check(rule, subject) {
      const controller = new AbortController();
      const pending = start(rule, () => subject.call(subject.sample, createRecordedContext({ signal: controller.signal })));
      controller.abort(new Error('No longer wanted.'));
      await endsInTime(rule, pending, subject);
    },
  },
  {
    name: 'ends within the grace when it was aborted before it began',
    async check(rule, subject) {
      const signal = AbortSignal.abort(new Error('No longer wanted.'));
      await endsInTime(
        rule,
        start(rule, () => subject.call(subject.sample, createRecordedContext({ signal }))),
        subject,
      );
    },
  },
];

const callerOf = (agent: Agent | AgentFunction): AgentFunction =>
  typeof agent === 'function' ? agent : (request, context) => agent.run(request, context);

function start(rule: string, call: () => Promise<AgentResult>): Promise<AgentResult> {
  try {
    return call();
  } catch (error) {
    throw new ConformanceError(rule, 'a promise', `thrown: ${String(error)}`);
  }
}

async function answered(rule: string, call: () => Promise<AgentResult>): Promise<AgentResult> {
  const result: unknown = await start(rule, call).catch((error: unknown) => {
    throw new ConformanceError(rule, 'an answer', `rejected: ${String(error)}`);
  });
  if (typeof result !== 'object' || result === null) throw new ConformanceError(rule, 'an object with an output', result);
  return result as AgentResult;
}

const outcomes: ReadonlySet<unknown> = new Set([undefined, 'completed', 'needs-context', 'rejected']);

function checkResult(rule: string, { output, outcome }: AgentResult): void {
  if (!outcomes.has(outcome)) throw new ConformanceError(rule, [...outcomes], outcome);
  if ((output as unknown) === undefined) throw new ConformanceError(rule, 'an output, null where there is none', 'undefined');
  try {
    canonicalJson(output);
  } catch (error) {
    throw new ConformanceError(rule, 'JSON', String(error));
  }
}

const provenances: ReadonlySet<unknown> = new Set([undefined, 'measured', 'provider-reported', 'estimated']);

function checkUsage(rule: string, { inputTokens = 0, outputTokens = 0, costUsd = 0, provenance }: Usage): void {
  const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  const isSane = isCount(inputTokens) && isCount(outputTokens) && Number.isFinite(costUsd) && costUsd >= 0;
  const figures = { inputTokens, outputTokens, costUsd, provenance };
  if (!isSane || !provenances.has(provenance))
    throw new ConformanceError(rule, 'whole tokens and dollars, none below zero', figures);
}

/** Whether the call answers or fails is its own affair; that it ends is not. */
async function endsInTime(rule: string, pending: Promise<unknown>, { clock, graceMs }: Subject): Promise<void> {
  const ended = pending.then(
    () => true,
    () => true,
  );
  let stop = (): void => undefined;
  const late = new Promise<boolean>((resolve) => {
    stop = clock.schedule(clock.now() + graceMs, () => resolve(false));
  });
  const isInTime = await Promise.race([ended, late]);
  stop();
  if (!isInTime) throw new ConformanceError(rule, `an end within ${graceMs} ms`, 'still going on');
}
