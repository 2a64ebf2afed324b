import { reducers } from '../plan/reduce.js';
import type { Gap, StepStatus } from '../ports/run.js';
import { quote } from '../shared/issue.js';
import type { Json } from '../shared/json.js';
import { change, isSettled, stopRun, type ComposedArgs, type ComposedContext, type ComposedGuard } from './composed-context.js';
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
  const decide = (yes: StepStatus) => ({
    DECIDE: [
      { guard: decided(true), target: yes },
      { guard: decided(false), target: 'failed' },
    ],
  });
  const final = (status: StepStatus) => ({ type: 'final', entry: [enter(status)] });
  const failRun = step.onFailure === 'fail-run' ? [stopRun('failed', () => 'step_failed')] : [];
  const states: Partial<Record<StepStatus, object>> = {
    blocked: {
      entry: enter('blocked'),
      always: [cancelled, { guard: isUnfed(step), target: 'skipped' }, { guard: mayBegin(step), target: next }],
    },
    gated: { entry: enter('gated'), always: [cancelled], on: decide('ready') },
    ready: {
      entry: enter('ready'),
      always: [cancelled, { guard: ({ context }: ComposedArgs) => !context.paused, target: 'running' }],
    },
    running: {
      entry: [
        enter('running'),
        change(({ context }) => ({ attempts: { ...context.attempts, [id]: attemptOf(context, id) + 1 } })),
      ],
      ...(step.agentId === undefined ? reduceState(materialized, step) : agentState(materialized, step)),
    },
    'backing-off': { entry: enter('backing-off'), always: [cancelled], after: { [delayName(index)]: 'ready' } },
    'in-doubt': { entry: enter('in-doubt'), on: decide('succeeded') },
    succeeded: final('succeeded'),
    failed: { type: 'final', entry: [enter('failed'), ...failRun] },
    skipped: final('skipped'),
    cancelled: final('cancelled'),
  };
  return { initial: 'blocked', states };
}

export const attemptOf = (context: ComposedContext, id: string): number => context.attempts[id] ?? 0;

const isUnfed =
  ({ dependsOn, join }: StepDefinition): ComposedGuard =>
  ({ context }) =>
    join === 'all-succeeded' && dependsOn.some((id) => isSettled(context.status[id]) && context.status[id] !== 'succeeded');

const mayBegin =
  ({ dependsOn, phase }: StepDefinition): ComposedGuard =>
  ({ context }) =>
    (phase !== 'synthesis' || context.synthesizing) && dependsOn.every((id) => isSettled(context.status[id]));

const keepOutput = (id: string, outputOf: (args: ComposedArgs) => Json): unknown =>
  change((args) => ({ outputs: { ...args.context.outputs, [id]: outputOf(args) } }));

function reduceState(materialized: MaterializedRun, step: StepDefinition): object {
  const reduce = ({ context }: ComposedArgs): Json =>
    reducers.get(step.reducer ?? '')?.(contributions(materialized, step, (id) => context.outputs[id])) ?? null;
  return { always: [{ target: 'succeeded', actions: [keepOutput(step.id, reduce)] }] };
}

/** What an agent's actor gives, as far as a composed machine looks at it. */
interface Answer {
  readonly output?: Json;
  readonly outcome?: string;
}

function agentState(materialized: MaterializedRun, step: StepDefinition): object {
  const { id, agentId, retry, timeoutMs, effect } = step;
  const answer = ({ event }: ComposedArgs) => (event['output'] ?? {}) as Answer;
  const isCompleted: ComposedGuard = (args) => (answer(args).outcome ?? 'completed') === 'completed';
  const canRetry: ComposedGuard = ({ context }) => attemptOf(context, id) < retry.attempts;
  const noteError = change(({ context, event }) => ({
    errors: { ...context.errors, [id]: messageOf(event['error'] ?? event['output']) },
  }));
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
        again,
        fail,
      ],
      onError: [again, fail],
    },
    always: [stopped],
    ...(timeoutMs !== undefined && { after: { [timeoutMs]: effect === 'once' ? 'in-doubt' : [again, fail] } }),
  };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : quote(error));

function inputOf({ definition }: MaterializedRun, step: StepDefinition, context: ComposedContext) {
  const promptTemplate = definition.roles.find(({ key }) => key === step.role)?.promptTemplate;
  const { instructions, input } = stepRequest(step, {
    outputOf: (id) => context.outputs[id],
    gaps: gapsOf(context, step),
    promptTemplate,
  });
  return { stepId: step.id, kind: step.kind, role: step.role ?? '', attempt: attemptOf(context, step.id), instructions, input };
}

const gapsOf = (context: ComposedContext, { input }: StepDefinition): Gap[] =>
  input.flatMap((key) => {
    const status = context.status[key];
    if (status !== 'failed' && status !== 'skipped' && status !== 'cancelled') return [];
    return [{ key, status, reason: { code: 'NO_OUTPUT', message: context.errors[key] ?? `"${key}" is ${status}.` } }];
  });
