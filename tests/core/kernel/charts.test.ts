import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createActor, type AnyEventObject, type AnyStateMachine, type EventObject } from 'xstate';

import { createChartRunner } from '../../../src/core/kernel/chart-runner.js';
import type { MaterializedRun } from '../../../src/core/materializer/materialize.js';
import type { RunFact } from '../../../src/core/ports/run-output.js';
import type { RunInput, StepStatus } from '../../../src/core/ports/run.js';
import { anyMaterialized, handWritten, materialized } from '../../support/materialized.js';
import { fateArbitrary, runToEnd } from '../../support/run-world.js';
import { limitedRun } from '../../support/limited-run.js';
import { sagaRun } from '../../support/saga-run.js';

const facts = ['last', 'unmet', 'retry', 'exhausted', 'compensable'] as const;
/** None, each alone, the two that come together, all. */
const factSets: readonly (readonly string[])[] = [[], ...facts.map((fact) => [fact]), ['last', 'unmet'], facts];

/** Machines of every shape that a ticket can have, and the run's own two. */
function machinesOfEveryShape(): readonly AnyStateMachine[] {
  const flags = [false, true];
  const steps = flags.flatMap((gate) =>
    flags.flatMap((retry) =>
      flags.flatMap((once) =>
        flags.map((settled) => ({
          id: [gate, retry, once, settled].map(Number).join(''),
          join: settled ? ('all-settled' as const) : ('all-succeeded' as const),
          effect: once ? ('once' as const) : ('none' as const),
          ...(gate && { gate: { kind: 'before', prompt: 'May it?' } as const }),
          ...(retry && { retry: { attempts: 2, backoffMs: 1, factor: 1, maxBackoffMs: 1, jitter: 0 } }),
        })),
      ),
    ),
  );
  return Object.values(materialized(handWritten(steps)).machines);
}

/** Tells where a real actor that is in a state goes on an event, and the actions that it carries out on the way. */
function createActorRunner(machine: AnyStateMachine) {
  const commands: string[] = [];
  const names = ['enqueue', 'openGate', 'armTimeout', 'disarm', 'armRetry', 'propagate'];
  const actions = Object.fromEntries(names.map((name) => [name, () => void commands.push(name)]));
  const alive = machine.provide({ actions });
  return (from: string, event: EventObject) => {
    const snapshot = alive.resolveState({ value: from, context: {} });
    if (alive.getTransitionData(snapshot, event).length === 0) return undefined;
    const actor = createActor(alive, { snapshot }).start();
    commands.length = 0;
    actor.send(event);
    return { to: actor.getSnapshot().value as string, commands: [...commands] };
  };
}

describe('the one place that drives XState', () => {
  it('HB-10 answers for every chart, state, event and set of facts as a real actor does', () => {
    let moves = 0;
    for (const machine of machinesOfEveryShape()) {
      const runner = createChartRunner(machine);
      const viaActor = createActorRunner(machine);
      for (const state of Object.keys(machine.states)) {
        // An actor that starts in a final state has stopped and takes nothing; its chart must not either.
        const isFinal = machine.states[state]!.type === 'final';
        for (const type of [...(machine.events as string[]), 'NO_SUCH_EVENT']) {
          for (const set of factSets) {
            const event = { type, ...Object.fromEntries(set.map((fact) => [fact, true])) };
            const answer = runner(state, type, set.join(' '));
            expect(answer).toEqual(isFinal ? undefined : viaActor(state, event));
            expect(runner(state, type, set.join(' '))).toBe(answer);
            if (answer) moves += 1;
          }
        }
      }
    }
    expect(moves).toBeGreaterThan(500);
  });
});

/** Inputs by which an attempt is given up that is under way. */
const cutOffs: ReadonlySet<string> = new Set(['step.timed-out', 'step.heartbeat-missed', 'step.time-over']);

/** The chart's event for something that became true of a step, when `input` made it so. `from` is where the step was. */
function chartEvent(fact: RunFact, input: RunInput, from: StepStatus): AnyEventObject | undefined {
  const isDecision = input.type === 'step.decided';
  const isTimeout = cutOffs.has(input.type) || (input.type === 'step.failed' && input.inDoubt === true);
  switch (fact.type) {
    case 'step.ready':
      if (from === 'gated') return { type: 'APPROVE' };
      if (from === 'running') return { type: 'LOSE' };
      return from === 'backing-off' || from === 'in-doubt' ? { type: 'RETRY' } : { type: 'DEPENDENCY_SETTLED', last: true };
    case 'step.gated':
      return from === 'ready' ? { type: 'REQUIRE_DECISION' } : { type: 'DEPENDENCY_SETTLED', last: true };
    case 'step.started':
      return { type: 'START' };
    case 'step.succeeded':
      return { type: isDecision ? 'APPROVE' : 'SUCCEED' };
    case 'step.backing-off':
      return { type: fact.throttled !== undefined ? 'THROTTLE' : isTimeout ? 'TIME_OUT' : 'FAIL', retry: true };
    case 'step.failed':
      return { type: isDecision || from === 'gated' ? 'REFUSE' : isTimeout && from === 'running' ? 'TIME_OUT' : 'FAIL' };
    case 'step.in-doubt':
      if (fact.error.code === 'RUN_STOPPED') return { type: 'CANCEL', compensable: true };
      return isTimeout ? { type: 'TIME_OUT' } : { type: 'LOSE', exhausted: true };
    case 'step.compensating':
      return { type: 'COMPENSATE', compensable: true };
    case 'step.compensated':
      return { type: 'COMPENSATED' };
    case 'step.compensation-failed':
      return fact.retryAt === undefined ? { type: 'COMPENSATION_FAILED' } : undefined;
    case 'step.skipped':
      return { type: 'DEPENDENCY_SETTLED', unmet: true };
    case 'step.cancelled':
      return { type: 'CANCEL' };
    default:
      return undefined;
  }
}

function actorsOf({ definition, machines }: MaterializedRun) {
  return new Map(definition.steps.map(({ id, chart }) => [id, createActor(machines[chart]!).start()]));
}

describe('the kernel and one real actor per step', () => {
  it('HB-10 are in the same states after every input, told the same', () => {
    fc.assert(
      fc.property(
        fc.oneof(anyMaterialized({ maxTickets: 6 }), sagaRun, limitedRun),
        fateArbitrary({ unclear: true }),
        (run, fate) => {
          const actors = actorsOf(run);
          runToEnd(run, fate, {
            onTurn({ kernel, input, commands }) {
              for (const command of commands) {
                if (command.type !== 'publish' || !('stepId' in command.event)) continue;
                const actor = actors.get(command.event.stepId)!;
                const from = actor.getSnapshot().value as StepStatus;
                const event = chartEvent(command.event, input, from);
                if (event) actor.send(event);
              }
              for (const { id, status } of kernel.statuses()) expect(actors.get(id)!.getSnapshot().value).toBe(status);
            },
          });
        },
      ),
      { numRuns: 80 },
    );
  });
});
