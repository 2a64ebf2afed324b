import { createActor, createMachine, type AnyMachineSnapshot, type AnyStateMachine, type EventObject } from 'xstate';

import { InvariantError } from '../shared/error.js';

/** Where a transition leads, and the commands on the way: exit actions of the old state, then entry actions of the new. */
export interface ChartMove {
  readonly to: string;
  readonly commands: readonly string[];
}

/**
 * Answers for one chart where an event leads; `undefined` where its state does not allow the event. `facts` are the names of the
 * facts that hold, separated by blanks.
 */
export type ChartRunner = (from: string, event: string, facts?: string) => ChartMove | undefined;

/**
 * The one place that drives XState. Charts have no context and their guards read nothing but the event, so an answer that
 * XState gave once for (state, event, facts) holds for ever and is kept: a chart is asked a few dozen times in its life.
 */
export function createChartRunner(machine: AnyStateMachine): ChartRunner {
  let runner = runners.get(machine);
  if (!runner) runners.set(machine, (runner = createRunner(machine)));
  return runner;
}

/** Runs that share a machine share what is known of it. */
const runners = new WeakMap<AnyStateMachine, ChartRunner>();

function createRunner(machine: AnyStateMachine): ChartRunner {
  const known = new Map<string, ChartMove | null>();
  return (from, event, facts = '') => {
    const question = `${from} ${event} ${facts}`;
    let move = known.get(question);
    if (move === undefined) known.set(question, (move = step(machine, from, chartEvent(event, facts))));
    return move ?? undefined;
  };
}

function chartEvent(type: string, facts: string): EventObject {
  const names = facts === '' ? [] : facts.split(' ');
  return { ...Object.fromEntries(names.map((name) => [name, true])), type };
}

/**
 * One pure macrostep through `machine.transition` with a reused inert scope. The exported `transition()` would make an actor
 * and run the machine's start anew on each call.
 */
function step(machine: AnyStateMachine, from: string, event: EventObject): ChartMove | null {
  const commands: string[] = [];
  const before: AnyMachineSnapshot = machine.resolveState({ value: from, context: {} });
  // `can` would say no to a transition without a target, which is how a chart allows an event that leaves it where it is.
  if ((machine.getTransitionData(before, event) as readonly unknown[]).length === 0) return null;
  const after = machine.transition(before, event, createScope(commands)) as AnyMachineSnapshot;
  return { to: after.value as string, commands };
}

type Scope = Parameters<AnyStateMachine['transition']>[2];

let inert: Scope['self'] | undefined;

function createScope(commands: string[]): Scope {
  inert ??= createActor(createMachine({}));
  return {
    self: inert,
    system: inert.system,
    id: 'kernel',
    sessionId: 'kernel',
    logger: () => undefined,
    defer: () => undefined,
    emit: () => undefined,
    stopChild: () => {
      throw new InvariantError('A chart of the portable profile has no children to stop.');
    },
    actionExecutor: (action) => void commands.push(action.type),
  };
}
