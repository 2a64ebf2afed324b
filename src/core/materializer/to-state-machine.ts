import { createMachine, type AnyStateMachine } from 'xstate';

import { backoffMs } from '../plan/backoff.js';
import { attemptOf, composeRegion, delayName } from './compose-region.js';
import {
  change,
  entryOf,
  isSettled,
  stopRun,
  type ComposedArgs,
  type ComposedContext,
  type ComposedGuard,
} from './composed-context.js';
import type { RunDefinition } from './definition.js';
import type { MaterializedRun } from './materialize.js';
import { NotComposableError } from './unresolved-role-error.js';

/**
 * Composes a plan of ordinary size (some hundred steps: XState's start grows with the cube of parallel regions) into one XState
 * machine, for Stately's tools, `@xstate/react`, and runs without planwright's runtime. Each step is a region; its work is an
 * invoked actor whose source is the agent's id, whose input is the step's request and whose output is an `AgentResult`.
 *
 * Dependencies, gates (`{ type: 'DECIDE', stepId, approve }`), retries, timeouts, failures, `PAUSE`, `RESUME`, `CANCEL` and the
 * deadline are in it. Policies, budgets, resources, output schemas, grace times, partial approval, compensations and durability are not:
 * those are the kernel's and the runtime's. A run that stops drops what is under way at once, and undoes nothing. Delays are timers of the actor's clock; XState's
 * own cannot wait longer than 24.8 days.
 *
 * @throws NotComposableError for a plan that steps are added to while its run is under way: supervisors, networks, verification.
 *
 * @example
 * const machine = toStateMachine(materialized).provide({
 *   actors: { 'agent-1': fromPromise(async ({ input }) => ({ output: await answer(input.instructions) })) },
 * });
 * const actor = createActor(machine).start(); // ends in 'completed', 'failed' or 'cancelled'
 */
export function toStateMachine(materialized: MaterializedRun): AnyStateMachine {
  const { definition } = materialized;
  const { steps, budget } = definition;
  const goals = steps.filter(({ expands }) => expands !== undefined).map(({ id }) => id);
  if (goals.length > 0) throw new NotComposableError(goals);
  const isReached = reachedBy(definition);
  const regions = Object.fromEntries(steps.map((_, index) => [`step_${index}`, composeRegion(materialized, index)]));
  const config = {
    id: 'planwright',
    initial: 'active',
    context: initialContext(definition),
    output: ({ context }: ComposedArgs) => ({
      deliverable: entryOf(context.outputs, isReached.deliverable),
      reason: context.stop?.reason,
    }),
    states: {
      active: {
        type: 'parallel',
        states: { phase: composePhase(isReached), ...regions },
        on: controls,
        always: [
          { guard: isReached.end('failed'), target: 'failed' },
          { guard: isReached.end('cancelled'), target: 'cancelled' },
          { guard: isReached.deliverableThere, target: 'completed' },
        ],
        ...(budget.maxDurationMs !== undefined && {
          after: { [budget.maxDurationMs]: { actions: [stopRun('failed', () => 'deadline_exceeded')] } },
        }),
      },
      completed: { type: 'final' },
      failed: { type: 'final' },
      cancelled: { type: 'final' },
    },
  };
  const delays = Object.fromEntries(
    steps.map(({ id, retry }, index) => [
      delayName(index),
      ({ context }: { context: ComposedContext }) =>
        backoffMs(retry, { attempt: attemptOf(context, id), seed: `${id}:${attemptOf(context, id)}` }),
    ]),
  );
  // Generated, so that XState's inference has nothing to infer from; its config type wants literals.
  return createMachine(config as unknown as Parameters<typeof createMachine>[0]).provide({ delays } as object);
}

const isStopping: ComposedGuard = ({ context }) => context.stop !== null;
const isOpen: ComposedGuard = ({ context }) => context.stop === null;

const controls = {
  PAUSE: { guard: (args: ComposedArgs) => isOpen(args) && !args.context.paused, actions: [change(() => ({ paused: true }))] },
  RESUME: { guard: (args: ComposedArgs) => isOpen(args) && args.context.paused, actions: [change(() => ({ paused: false }))] },
  CANCEL: {
    actions: [stopRun('cancelled', ({ event }) => (typeof event['reason'] === 'string' ? event['reason'] : 'cancelled'))],
  },
};

const initialContext = ({ steps }: RunDefinition): ComposedContext => ({
  status: Object.fromEntries(steps.map(({ id }) => [id, 'blocked'])),
  attempts: {},
  outputs: {},
  errors: {},
  branches: {},
  paused: false,
  synthesizing: false,
  stop: null,
});

/** The questions on which the run's own region turns. */
function reachedBy({ steps }: RunDefinition) {
  const idsOf = (wanted: (step: RunDefinition['steps'][number]) => boolean) => steps.filter(wanted).map(({ id }) => id);
  const work = idsOf(({ phase }) => phase !== 'synthesis');
  const synthesis = idsOf(({ phase }) => phase === 'synthesis');
  const tickets = idsOf(({ kind, phase }) => kind === 'ticket' && phase !== 'synthesis');
  const deliverable = synthesis.at(-1) ?? work.at(-1) ?? '';
  const allSettled =
    (ids: readonly string[]): ComposedGuard =>
    ({ context }) =>
      ids.every((id) => isSettled(context.status[id]));
  const isQuiet: ComposedGuard = ({ context }) =>
    Object.values(context.status).every((status) => isSettled(status) || status === 'in-doubt');
  const succeeded: ComposedGuard = ({ context }) => context.status[deliverable] === 'succeeded';
  const isSynthesisOver: ComposedGuard = (args) => args.context.synthesizing && allSettled(synthesis)(args);
  return {
    deliverable,
    workOver: allSettled(work),
    nothingDone: ({ context }: ComposedArgs) => tickets.length > 0 && tickets.every((id) => context.status[id] !== 'succeeded'),
    deliverableThere: (args: ComposedArgs) => isOpen(args) && isSynthesisOver(args) && succeeded(args),
    deliverableMissing: (args: ComposedArgs) => isSynthesisOver(args) && !succeeded(args),
    end:
      (to: 'failed' | 'cancelled'): ComposedGuard =>
      (args) =>
        args.context.stop?.to === to && isQuiet(args),
  };
}

function composePhase({ workOver, nothingDone, deliverableMissing }: ReturnType<typeof reachedBy>): object {
  const stopping = { guard: isStopping, target: 'stopping' };
  const fail = (reason: string) => ({ target: 'stopping', actions: [stopRun('failed', () => reason)] });
  return {
    initial: 'executing',
    states: {
      executing: {
        always: [
          stopping,
          { guard: (args: ComposedArgs) => workOver(args) && nothingDone(args), ...fail('all_tickets_failed') },
          { guard: workOver, target: 'synthesizing' },
        ],
      },
      synthesizing: {
        entry: change(() => ({ synthesizing: true })),
        always: [stopping, { guard: deliverableMissing, ...fail('synthesis_failed') }],
      },
      stopping: {},
    },
  };
}
