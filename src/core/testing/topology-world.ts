import { createKernel, type Kernel } from '../kernel/create-kernel.js';
import type { MaterializedRun } from '../materializer/materialize.js';
import type { Command, RunFact } from '../ports/run-output.js';
import type { RunInput } from '../ports/run.js';
import type { Json } from '../shared/json.js';
import { sampleJson } from '../shared/sample-json.js';
import { ConformanceError } from './conformance-case.js';
import { createChances, type Chances } from './random.js';
import { randomRoute } from './random-route.js';

/** What is done to a run while agents of chance are at it. */
export interface TopologyWorldOptions {
  readonly seed: number;
  /** Decisions that agents of chance come to besides those that they know of. Default: none. */
  readonly routes?: readonly Json[];
  /** Turns after which every agent does what it should, and finishes. Default: never. */
  readonly soundFrom?: number;
  /** Turns at which the process is lost: the kernel is made anew from its checkpoint. */
  readonly crashAt?: (turn: number) => boolean;
  /** Turns at which somebody pauses the run, which then goes on, or cancels it. */
  readonly disturb?: (turn: number) => 'pause' | 'cancel' | undefined;
}

/** How a run went. */
export interface TopologyStory {
  readonly kernel: Kernel;
  readonly journal: readonly (RunInput & { readonly seq: number })[];
  readonly facts: readonly RunFact[];
}

interface Call {
  readonly stepId: string;
  readonly attempt: number;
  readonly isUnderWay: boolean;
}

/** A turn is one input; a run of a sample needs some hundreds at the most. */
const mostTurns = 20_000;

/**
 * Runs a kernel with agents of chance to its end: they decide soundly, or ask for too much, or talk nonsense; they succeed, fail, are late and
 * do not report in time.
 *
 * @throws ConformanceError for a run that comes to no end.
 */
export function runTopologyWorld(run: MaterializedRun, options: TopologyWorldOptions): TopologyStory {
  const { seed, routes = [], soundFrom = Infinity, crashAt = never, disturb = undisturbed } = options;
  const chances = createChances(seed);
  const world = createWorld(run, { chances, routes });
  world.take({ type: 'run.start', graceMs: 10 });
  for (let turn = 0; !isOver(world.kernel()); turn += 1) {
    if (turn > mostTurns) throw new ConformanceError('ends', `an end within ${mostTurns} turns`, world.kernel().status);
    if (crashAt(turn)) world.crash();
    const disturbance = disturb(turn);
    if (disturbance === 'cancel') world.tryTo({ type: 'run.cancel', reason: 'Enough.' });
    else if (disturbance === 'pause' && world.tryTo({ type: 'run.pause' })) world.take({ type: 'run.resume' });
    if (!isOver(world.kernel())) world.go(turn >= soundFrom);
  }
  return world.story();
}

/** Times that a run goes on which has paused because of its budget. */
const mostPauses = 3;

const never = (): boolean => false;
const undisturbed = (): undefined => undefined;
const isOver = ({ status }: Kernel): boolean => status === 'completed' || status === 'failed' || status === 'cancelled';

type InputBody = RunInput extends infer One ? (One extends { readonly at: number } ? Omit<One, 'at'> : never) : never;

interface Agents {
  readonly chances: Chances;
  readonly routes: readonly Json[];
}

function createWorld(run: MaterializedRun, { chances, routes }: Agents) {
  const roles = run.definition.roles.map(({ key }) => key);
  const journal: TopologyStory['journal'][number][] = [];
  const facts: RunFact[] = [];
  const timers = new Map<string, RunInput>();
  const next: InputBody[] = [];
  let calls: Call[] = [];
  let kernel = createKernel(run);
  let now = 0;
  let pauses = 0;

  const take = (body: InputBody): void => {
    now += 1;
    const input = { seq: kernel.seq + 1, ...body, at: now } as TopologyStory['journal'][number];
    const commands = kernel.apply(input);
    journal.push(input);
    commands.forEach(obey);
  };
  const tryTo = (body: InputBody): boolean => {
    try {
      take(body);
      return true;
    } catch {
      return false;
    }
  };

  const obey = (command: Command): void => {
    switch (command.type) {
      case 'publish':
        facts.push(command.event);
        if (command.event.type === 'step.gated') next.push(decisionOf(command.event.stepId));
        if (command.event.type === 'step.in-doubt') next.push(decisionOf(command.event.stepId));
        return;
      case 'step.start':
      case 'step.compensate':
        return void calls.push({ stepId: command.stepId, attempt: command.attempt, isUnderWay: false });
      case 'step.abort':
        calls = calls.filter(({ stepId, isUnderWay }) => stepId !== command.stepId || isUnderWay);
        return;
      case 'timer.set':
        return void timers.set(command.timer, command.input);
      case 'timer.clear':
        return void timers.delete(command.timer);
      case 'continue':
        return void next.unshift({ type: 'run.continue' });
      case 'run.deliver':
        return void next.push({ type: 'run.delivered' });
      default:
    }
  };

  const decisionOf = (stepId: string): InputBody => ({
    type: 'step.decided',
    stepId,
    decision: { approve: true, by: { kind: 'user', id: 'chance' } },
  });

  const spend = { inputTokens: 1, outputTokens: 1, costMicroUsd: 1, provenance: 'measured' } as const;

  const answer = ({ stepId, attempt }: Call, isSound: boolean): void => {
    const { kind, decides, role = '', outputSchema, added, agentId } = kernel.step(stepId);
    const of = { stepId, attempt };
    const isFine = isSound || agentId === undefined || !chances.oneIn(8);
    if (!isFine) {
      const error = { code: chances.pick(['NO_LUCK', 'NEEDS_CONTEXT', 'REJECTED']), message: 'It did not work.' };
      if (!tryTo({ type: 'step.failed', ...of, error, retryable: true, spend })) tryTo({ type: 'step.spent', ...of, spend });
      return;
    }
    const scene = { roles, role, steps: added ? kernel.addedTo(added.goal) : [] };
    const schema = added?.mayFinish ? kernel.step(added.goal).outputSchema : outputSchema;
    const isOwn = !isSound && routes.length > 0 && chances.oneIn(2);
    const chosen = isOwn ? chances.pick(routes) : randomRoute(chances.below(2 ** 24), scene);
    const route = isSound ? { finish: true } : chosen;
    const sample = schema === undefined ? { by: stepId } : sampleJson(schema);
    const output = kind === 'verification' ? { verified: isSound || chances.oneIn(2) } : sample;
    const isTaken = tryTo({ type: 'step.succeeded', ...of, output, spend, ...(decides && { route }) });
    if (isTaken) return;
    tryTo({ type: 'step.spent', ...of, spend });
    tryTo({ type: 'step.late', ...of, output });
  };

  const fireTimer = (): void => {
    const names = [...timers.keys()];
    if (names.length === 0)
      throw new ConformanceError('ends', 'an end', `nothing is left to happen, and the run is ${kernel.status}`);
    const name = chances.pick(names);
    const input = timers.get(name)!;
    timers.delete(name);
    tryTo(input);
  };

  return {
    kernel: () => kernel,
    take,
    tryTo,
    /** Lets one thing happen. */
    go(isSound: boolean): void {
      const due = next.shift();
      if (due) return void tryTo(due);
      // For want of money, which nobody will raise for ever.
      if (kernel.paused && !kernel.stop)
        return take(pauses++ < mostPauses ? { type: 'run.resume' } : { type: 'run.cancel', reason: 'No money.' });
      if (calls.length === 0 || (!isSound && timers.size > 0 && chances.oneIn(40))) return fireTimer();
      const place = chances.below(calls.length);
      const call = calls[place]!;
      calls.splice(place, 1);
      if (call.isUnderWay) answer(call, isSound);
      else if (tryTo({ type: 'step.started', stepId: call.stepId, attempt: call.attempt }))
        calls.push({ ...call, isUnderWay: true });
    },
    crash(): void {
      kernel = createKernel(run, JSON.parse(JSON.stringify(kernel.checkpoint())) as ReturnType<Kernel['checkpoint']>);
      calls = [];
      timers.clear();
      next.splice(0, Infinity, ...next.filter(({ type }) => type === 'step.decided'));
      take({ type: 'run.recovered', lost: [], maxLostStarts: 1_000, shiftMs: 0 });
    },
    story: (): TopologyStory => ({ kernel, journal, facts }),
  };
}
