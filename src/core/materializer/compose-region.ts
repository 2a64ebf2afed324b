import type { Gap, StepStatus } from '../ports/run.js';
import { quote } from '../shared/issue.js';
import type { Json } from '../shared/json.js';
import {
  change,
  entryOf,
  isSettled,
  stopRun,
  type ComposedArgs,
  type ComposedContext,
  type ComposedGuard,
} from './composed-context.js';
import { computeStep } from './compute-step.js';
import type { StepDefinition } from './definition.js';
import type { MaterializedRun } from './materialize.js';
import { contributions, stepRequest } from './step-request.js';

/** Name of the delay before a step's next attempt. */
export const delayName = (index: number): string => `backoff_${index}`;

const isStopping: ComposedGuard = ({ context }) => context.stop !== null;
const cancelled = { guard: isStopping, target: 'cancelled' };

/** The region of one step in a composed machine, as an XState state config. Its states are the step's statuses. */
export function composeRegion(materialized: MaterializedRun, index: number): object {
  const step = materialized.definition.steps[index]!;
  const { id } = step;
  const next: StepStatus = step.gate ? 'gated' : 'ready';
  const decided =
    (approve: boolean): ComposedGuard =>
    ({ event }) =>
      event['stepId'] === id && event['approve'] === approve;
  const enter = (status: StepStatus) => change(({ context }) => ({ status: { ...context.status, [id]: status } }));
  const decide = (yes: StepStatus, actions: readonly unknown[] = []) => ({
    DECIDE: [
      { guard: decided(true), target: yes, actions },
      { guard: decided(false), target: 'failed' },
    ],
  });
  const final = (status: StepStatus) => ({ type: 'final', entry: [enter(status)] });
  const failRun =
    step.onFailure === 'fail-run'
      ? [stopRun('failed', () => (step.phase === 'synthesis' ? 'synthesis_failed' : 'step_failed'))]
      : [];
  const states: Partial<Record<StepStatus, object>> = {
    blocked: {
      entry: enter('blocked'),
      // First what it waits for, so that a failure that stops the run still skips what hung on it, as in the kernel.
      always: [{ guard: isUnfed(step), target: 'skipped' }, cancelled, { guard: mayBegin(step), target: next }],
    },
    gated: { entry: enter('gated'), always: [cancelled], on: decide('ready'), ...gateExpiry(step) },
    ready: {
      entry: enter('ready'),
      always: [cancelled, { guard: ({ context }: ComposedArgs) => !context.paused, target: 'running' }],
    },
    running: {
      entry: [
        enter('running'),
        change(({ context }) => ({ attempts: { ...context.attempts, [id]: attemptOf(context, id) + 1 } })),
      ],
      ...(step.agentId === undefined ? computedState(materialized, step) : agentState(materialized, step)),
    },
    'backing-off': { entry: enter('backing-off'), always: [cancelled], after: { [delayName(index)]: 'ready' } },
    'in-doubt': { entry: enter('in-doubt'), on: decide('succeeded', [keepOutput(id, decidedOutput)]) },
    succeeded: final('succeeded'),
    failed: { type: 'final', entry: [enter('failed'), ...failRun] },
    skipped: final('skipped'),
    cancelled: final('cancelled'),
  };
  return { initial: 'blocked', states };
}

function gateExpiry({ id, gate }: StepDefinition): object {
  if (gate?.expiresAfterMs === undefined) return {};
  const message = `Nobody answered the gate within ${gate.expiresAfterMs} ms.`;
  const noteError = change(({ context }) => ({ errors: { ...context.errors, [id]: message } }));
  const refused = { target: 'failed', actions: [noteError] };
  return { after: { [gate.expiresAfterMs]: gate.onExpiry === 'approve' ? 'ready' : refused } };
}

export const attemptOf = (context: ComposedContext, id: string): number => entryOf(context.attempts, id) ?? 0;

const isUnfed = ({ id, dependsOn, join }: StepDefinition): ComposedGuard => {
  const withholds = ({ status, branches }: ComposedContext, from: string): boolean =>
    isSettled(status[from]) && !(status[from] === 'succeeded' && (entryOf(branches, from)?.includes(id) ?? true));
  return ({ context }) => join === 'all-succeeded' && dependsOn.some((from) => withholds(context, from));
};

const mayBegin =
  ({ dependsOn, phase }: StepDefinition): ComposedGuard =>
  ({ context }) =>
    (phase !== 'synthesis' || context.synthesizing) && dependsOn.every((id) => isSettled(context.status[id]));

const keepOutput = (id: string, outputOf: (args: ComposedArgs) => Json): unknown =>
  change((args) => ({ outputs: { ...args.context.outputs, [id]: outputOf(args) } }));

const decidedOutput = ({ event }: ComposedArgs): Json => (event['output'] as Json | undefined) ?? null;

/** A step without an agent is computed as soon as it runs. */
function computedState(materialized: MaterializedRun, step: StepDefinition): object {
  const { id } = step;
  const compute = ({ context }: ComposedArgs) => {
    const outputOf = (from: string): Json | undefined => entryOf(context.outputs, from);
    const { input } = stepRequest(step, { outputOf, gaps: gapsOf(context, step), promptTemplate: undefined });
    const { definition, graph, reducers } = materialized;
    const placeOf = (stepId: string): number | undefined => graph.indexOf.get(stepId);
    const roleOf = (stepId: string): string | undefined => definition.steps[placeOf(stepId) ?? -1]?.role;
    return computeStep(step, { input, from: contributions(step, { outputOf, roleOf, placeOf }), reducers });
  };
  const keep = change((args) => {
    const computed = compute(args);
    if (!computed.ok) return {};
    const { output, branch } = computed.value;
    const { outputs, branches } = args.context;
    return { outputs: { ...outputs, [id]: output }, ...(branch && { branches: { ...branches, [id]: branch.to } }) };
  });
  const noteError = change((args) => {
    const computed = compute(args);
    return computed.ok ? {} : { errors: { ...args.context.errors, [id]: computed.error.message } };
  });
  return {
    always: [
      { guard: (args: ComposedArgs) => compute(args).ok, target: 'succeeded', actions: [keep] },
      { target: 'failed', actions: [noteError] },
    ],
  };
}

/** What an agent's actor gives, as far as a composed machine looks at it. */
interface Answer {
  readonly output?: Json;
  readonly outcome?: string;
}

/** What an `AgentError` says of itself. */
interface Refusal {
  readonly retryable?: boolean;
}

function agentState(materialized: MaterializedRun, step: StepDefinition): object {
  const { id, agentId, retry, timeoutMs, effect } = step;
  const answer = ({ event }: ComposedArgs) => (event['output'] ?? {}) as Answer;
  const isCompleted: ComposedGuard = (args) => (answer(args).outcome ?? 'completed') === 'completed';
  const canRetry: ComposedGuard = ({ context }) => attemptOf(context, id) < retry.attempts;
  const noteError = change(({ context, event }) => ({
    errors: { ...context.errors, [id]: messageOf(event['error'] ?? event['output']) },
  }));
  // An agent that has answered no, or says that its failure is final, would say so again.
  const mayRetry: ComposedGuard = (args) => (args.event['error'] as Refusal | undefined)?.retryable !== false && canRetry(args);
  const again = { guard: canRetry, target: 'backing-off', actions: [noteError] };
  const fail = { target: 'failed', actions: [noteError] };
  // Under way when the run was stopped, or the time was up: it may have happened all the same.
  const stopped = effect === 'once' ? { ...cancelled, target: 'in-doubt' } : cancelled;
  return {
    invoke: {
      src: agentId,
      input: ({ context }: ComposedArgs) => inputOf(materialized, step, context),
      onDone: [
        { guard: isCompleted, target: 'succeeded', actions: [keepOutput(id, (args) => answer(args).output ?? null)] },
        fail,
      ],
      onError: [{ ...again, guard: mayRetry }, fail],
    },
    always: [stopped],
    ...(timeoutMs !== undefined && { after: { [timeoutMs]: effect === 'once' ? 'in-doubt' : [again, fail] } }),
  };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : quote(error));

function inputOf({ definition }: MaterializedRun, step: StepDefinition, context: ComposedContext) {
  const promptTemplate = definition.roles.find(({ key }) => key === step.role)?.promptTemplate;
  const { instructions, input } = stepRequest(step, {
    outputOf: (id) => entryOf(context.outputs, id),
    gaps: gapsOf(context, step),
    promptTemplate,
  });
  return { stepId: step.id, kind: step.kind, role: step.role ?? '', attempt: attemptOf(context, step.id), instructions, input };
}

const gapsOf = (context: ComposedContext, { input }: StepDefinition): Gap[] =>
  input.flatMap((key) => {
    const status = context.status[key];
    if (status !== 'failed' && status !== 'skipped' && status !== 'cancelled') return [];
    return [{ key, status, reason: { code: 'NO_OUTPUT', message: entryOf(context.errors, key) ?? `"${key}" is ${status}.` } }];
  });
