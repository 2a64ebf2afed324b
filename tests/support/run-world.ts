import { createKernel, type Kernel } from '../../src/core/kernel/create-kernel.js';
import { IllegalInputError } from '../../src/core/kernel/illegal-input-error.js';
import type { MaterializedRun } from '../../src/core/materializer/materialize.js';
import type { Command, RunFact } from '../../src/core/ports/run-output.js';
import type { ProbeFinding, RunInput } from '../../src/core/ports/run.js';
import type { Allowance, Spend } from '../../src/core/ports/usage.js';
import type { Json } from '../../src/core/shared/json.js';
import { randomRoute } from '../../src/core/testing/random-route.js';
import { ada } from './materialized.js';
import { revisedPlan } from './revised-plan.js';
import { attemptPlan, canProbe, effortPlan, isGateOpened, type AttemptPlan, type Control, type Fate } from './run-fate.js';

export { fateArbitrary, type Fate } from './run-fate.js';

export interface Turn {
  readonly kernel: Kernel;
  readonly input: RunInput & { readonly seq: number };
  readonly commands: readonly Command[];
}

/** What a run did in all. */
export interface Story {
  readonly kernel: Kernel;
  readonly journal: readonly (RunInput & { readonly seq: number })[];
  /** Commands by the journal entry that caused them. */
  readonly commands: readonly (readonly Command[])[];
  readonly facts: readonly RunFact[];
  /** What the agents did to the world, in order: the id that each effect was asked for under. */
  readonly effects: readonly { readonly stepId: string; readonly id: string; readonly isUndoing: boolean }[];
}

export interface WorldOptions {
  readonly onTurn?: (turn: Turn) => void;
  /** Goes on with this kernel in place of the one that has just taken an input. */
  readonly swap?: (kernel: Kernel) => Kernel;
  readonly mostTurns?: number;
}

/** A call of an agent: waiting for its turn, or under way. */
interface Call {
  readonly kind: 'start' | 'end';
  readonly id: string;
  readonly stepId: string;
  readonly attempt: number;
  /** 0 for an attempt at the step itself. */
  readonly effort: number;
  readonly allowance: Allowance;
  /** Whether it was aborted. */
  readonly late: boolean;
}

/** Something that can happen next. */
type Pending =
  | Call
  | { readonly kind: 'timer'; readonly timer: string; readonly dueAt: number; readonly input: RunInput }
  | { readonly kind: 'probe'; readonly stepId: string; readonly attempt: number; readonly startId: string }
  /** `byPerson`: it does not go down with the process. */
  | { readonly kind: 'input'; readonly input: Omit<RunInput, 'at'>; readonly byPerson: boolean };

type InputBody = RunInput extends infer One ? (One extends { readonly at: number } ? Omit<One, 'at'> : never) : never;

/**
 * Runs a kernel in a world of chance until nothing is left to do: agents succeed, fail and hang, results come in any order, late and
 * twice, timers go off, people decide, pause and cancel, processes are lost. What the kernel refuses must leave it as it was.
 */
export function runToEnd(run: MaterializedRun, fate: Fate, options: WorldOptions = {}): Story {
  const { definition, graph } = run;
  const roles = definition.roles.map(({ key }) => key);
  const journal: Turn['input'][] = [];
  const commands: (readonly Command[])[] = [];
  const facts: RunFact[] = [];
  const effects: Story['effects'][number][] = [];
  const allowances = new Map<string, Allowance>();
  const interrupted = new Set<string>();
  const turnedAway = new Map<string, number>();
  let kernel = createKernel(run);
  let pending: Pending[] = [];
  let now = 1_000;
  let budgetPauses = 0;

  const take = (body: InputBody): boolean => {
    const input = { ...body, at: now, seq: kernel.seq + 1 } as Turn['input'];
    let given: readonly Command[];
    try {
      given = kernel.apply(input);
    } catch (error) {
      if (error instanceof IllegalInputError) return false;
      throw error;
    }
    journal.push(input);
    commands.push(given);
    given.forEach(obey);
    options.onTurn?.({ kernel, input, commands: given });
    if (options.swap) kernel = options.swap(kernel);
    return true;
  };

  const obey = (command: Command): void => {
    switch (command.type) {
      case 'step.start':
        allowances.set(command.id, command.allowance);
        return void pending.push({ ...command, kind: 'start', effort: 0, late: false });
      case 'step.compensate':
        return void pending.push({ ...command, kind: 'start', late: false });
      case 'step.probe':
        return void pending.push({ ...command, kind: 'probe' });
      case 'step.abort':
        pending = pending.filter((one) => one.kind !== 'start' || one.stepId !== command.stepId);
        pending = pending.map((one) => (one.kind === 'end' && one.stepId === command.stepId ? { ...one, late: true } : one));
        return;
      case 'timer.set':
      case 'timer.clear':
        pending = pending.filter((one) => one.kind !== 'timer' || one.timer !== command.timer);
        if (command.type === 'timer.set') pending.push({ ...command, kind: 'timer' });
        return;
      case 'run.deliver':
        return tellLater(
          fate.deliveryFails
            ? { type: 'run.delivery-failed', error: { code: 'LOST', message: 'It got lost.' } }
            : { type: 'run.delivered' },
        );
      case 'continue':
        return tellLater({ type: 'run.continue' });
      case 'publish':
        return hear(command.event);
      case 'run.ended':
      case 'run.settled':
        return;
    }
  };

  const tellLater = (input: InputBody): void => void pending.push({ kind: 'input', input, byPerson: false });

  const hear = (fact: RunFact): void => {
    facts.push(fact);
    if (fact.type === 'step.gated') decideLater(fact.stepId, isGateOpened(fate, indexOf(fact.stepId)));
    else if (fact.type === 'step.in-doubt') decideLater(fact.stepId, planOf({ ...fact, effort: 0 }).late === 'succeed');
    else if (fact.type === 'run.paused' && fact.reason !== 'requested') budgetPauses += 1;
  };

  const decideLater = (stepId: string, approve: boolean): void => {
    const input = { type: 'step.decided', stepId, decision: { approve, by: ada, output: 'decided' } } as const;
    pending.push({ kind: 'input', input, byPerson: true });
  };

  /** Steps that were added have places of their own, by their ids. */
  const indexOf = (stepId: string): number => graph.indexOf.get(stepId) ?? graph.ids.length + hashOf(stepId);
  const planOf = ({ stepId, attempt, effort }: Pick<Call, 'stepId' | 'attempt' | 'effort'>): AttemptPlan => {
    const index = indexOf(stepId);
    const step = kernel.step(stepId);
    return effort > 0 ? effortPlan(fate, step, { index, attempt: effort }) : attemptPlan(fate, step, { index, attempt });
  };
  const noteEffect = ({ stepId, id, effort }: Call): void => void effects.push({ stepId, id, isUndoing: effort > 0 });

  const happen = (one: Pending): void => {
    pending = pending.filter((other) => other !== one);
    switch (one.kind) {
      case 'input':
        return void take(one.input as InputBody);
      case 'timer':
        now = Math.max(now, one.dueAt);
        return void take(one.input);
      case 'probe':
        return void take({ type: 'step.probed', stepId: one.stepId, attempt: one.attempt, finding: findingOf(one) });
      case 'start':
        if (!take({ type: 'step.started', stepId: one.stepId, attempt: one.attempt })) return;
        pending.push({ ...one, kind: 'end' });
        return missHeartbeatLater(one);
      case 'end':
        return endCall(one);
    }
  };

  const missHeartbeatLater = (call: Call): void => {
    const { stepId, attempt } = call;
    const isSilent = fate.racing || planOf(call).end === 'hang';
    if (kernel.step(stepId).heartbeatTimeoutMs === undefined || !isSilent) return;
    tellLater({ type: 'step.heartbeat-missed', stepId, attempt, lastBeatAt: now, details: { share: 0.5 } });
  };

  /** Whether its provider turns it away once more. */
  const isTurnedAway = ({ id }: Call): boolean => {
    const times = (turnedAway.get(id) ?? 0) + 1;
    turnedAway.set(id, times);
    return times <= 3;
  };

  const endCall = (call: Call): void => {
    const { stepId, attempt, allowance } = call;
    const { end, late, share } = planOf(call);
    const spend = spendOf(allowance, share);
    if (interrupt(call, spend)) return;
    const error = { code: 'NO_LUCK', message: 'It did not work.' };
    if (end === 'throttled' && isTurnedAway(call)) {
      const asked = attempt % 2 === 0 ? { retryAt: now + 5 } : {};
      if (!take({ type: 'step.throttled', stepId, attempt, error, ...asked, spend }))
        take({ type: 'step.spent', stepId, attempt, spend });
      return;
    }
    const does = end === 'hang' || end === 'throttled' ? late : end;
    if (does === 'succeed' || (does === 'doubt' && late === 'succeed')) noteEffect(call);
    const inDoubt = does === 'doubt' ? ({ inDoubt: true } as const) : {};
    const isTaken =
      does === 'succeed'
        ? take({ type: 'step.succeeded', stepId, attempt, output: outputOf(stepId), spend, ...routeOf(call) })
        : take({ type: 'step.failed', stepId, attempt, error, retryable: does !== 'fatal', spend, ...inDoubt });
    if (isTaken) return;
    take({ type: 'step.spent', stepId, attempt, spend });
    if (does === 'succeed') take({ type: 'step.late', stepId, attempt, output: { late: stepId } });
  };

  /** Once in each attempt, a tool needs a person, where the plan has policies on tools. */
  const interrupt = ({ id, stepId, attempt, effort }: Call, spend: Spend): boolean => {
    const policy = kernel.materialized.plan.policies?.find(({ on }) => on.type === 'tool')?.key;
    const chance = hashOf(`${stepId} ${attempt} ${fate.choices[0]!} tool`);
    if (policy === undefined || effort > 0 || chance % 3 > 0 || interrupted.has(id)) return false;
    interrupted.add(id);
    return take({ type: 'step.interrupted', stepId, attempt, policy, reason: 'So it is.', tool: 'mail', call: 'this', spend });
  };

  /** A verifier finds this or that. */
  const outputOf = (stepId: string): Json =>
    kernel.step(stepId).kind === 'verification'
      ? { verified: hashOf(`${stepId} ${fate.choices[0]!}`) % 2 === 0, reasons: ['So it is.'] }
      : { from: stepId };

  /** What a step decides; now and then, one decides that is not asked to. */
  const routeOf = ({ stepId, attempt, effort }: Call): { readonly route?: Json } => {
    const { decides, role = '', added } = kernel.step(stepId);
    const chance = hashOf(`${stepId} ${attempt} ${fate.choices[hashOf(stepId) % fate.choices.length]!}`);
    if (effort > 0 || (!decides && chance % 9 > 0)) return {};
    return { route: randomRoute(chance, { roles, role, steps: added ? kernel.addedTo(added.goal) : [] }) };
  };

  /** A probe tells what has happened by now: what is under way still has not. */
  const findingOf = ({ stepId, startId }: { readonly stepId: string; readonly startId: string }): ProbeFinding => {
    if (!canProbe(fate, indexOf(stepId))) return { kind: 'unknown' };
    const hasHappened = effects.some(({ id }) => id === startId);
    return hasHappened
      ? { kind: 'happened', output: 'found', spend: spendOf(allowances.get(startId) ?? {}, 0.5) }
      : { kind: 'not-happened' };
  };

  /** A hanging attempt ends once it was aborted; a time limit runs out on a hanging one, or when the fate has them race. */
  const canHappen = (one: Pending): boolean => {
    if (one.kind === 'start') return !kernel.paused || one.effort > 0;
    if (one.kind === 'end') return one.late || planOf(one).end !== 'hang';
    if (one.kind !== 'timer' || one.input.type !== 'step.timed-out') return true;
    const { stepId, attempt } = one.input;
    const call = pending.find(
      (other): other is Call => other.kind === 'end' && other.stepId === stepId && other.attempt === attempt,
    );
    return fate.racing || call === undefined || planOf(call).end === 'hang';
  };

  /** Whatever lived in the process is gone; what its agents were doing has happened or not. Each start that was lost may be to blame. */
  const crash = (choice: number): void => {
    const calls = pending.filter((one): one is Call => one.kind === 'start' || one.kind === 'end');
    for (const call of calls) if (call.kind === 'end' && planOf(call).late === 'succeed') noteEffect(call);
    pending = pending.filter((one) => one.kind === 'input' && one.byPerson);
    const lost = calls.filter((_, place) => (choice >> place) % 2 === 1).map(({ stepId }) => stepId);
    take({ type: 'run.recovered', lost, maxLostStarts: fate.maxLostStarts, shiftMs: choice % 3 === 0 ? 1_000 : 0 });
  };

  /**
   * Says something twice, unless that would be a lie: that a process was lost, that somebody has looked, that a call has begun, or that one has
   * ended which has begun once more since, under the same number.
   */
  const repeat = (input: Turn['input']): void => {
    const isAgain = input.type === 'step.throttled' || (input.type === 'step.failed' && input.inDoubt === true);
    if (!isAgain && !['run.recovered', 'step.probed', 'step.started'].includes(input.type)) take(input);
  };

  /** Another plan, with the same agents. */
  const replan = (choice: number): void => {
    const before = kernel.materialized;
    const plan = revisedPlan(choice % 3 === 0 ? run.plan : before.plan, choice);
    const roles = Object.fromEntries(plan.roles.map(({ key }) => [key, { agentId: `agent of ${key}` }]));
    const parts = { revision: plan.revision, from: before.plan.digest, digest: plan.digest, roles, approvedBy: ada };
    take({ type: 'run.replanned', plan: plan as unknown as Json, running: choice % 2 === 0 ? 'finish' : 'cancel', ...parts });
    // What a step says that there is not any more, nobody hears.
    const known = new Set(kernel.statuses().map(({ id }) => id));
    pending = pending.filter((one) => !('stepId' in one) || known.has(one.stepId));
  };

  const control = (what: Control, choice: number): void => {
    if (what === 'crash') crash(choice);
    else if (what === 'repeat') repeat(journal[choice % journal.length]!);
    else if (what === 'replan') replan(choice);
    else if (what === 'cancel')
      take({ type: 'run.cancel', reason: 'Enough.', ...(choice % 5 === 0 && { compensate: choice % 2 === 0 }) });
    else take({ type: `run.${what}` });
  };

  /** A person has had enough of it, or raises what stands in the way, or has not understood. */
  const goOn = (): void => {
    const raised = kernel.pausedFor !== 'requested' && budgetPauses % 2 === 0 && raise();
    if (!raised) take(budgetPauses > 3 ? { type: 'run.cancel', reason: 'No money.' } : { type: 'run.resume' });
  };
  const raise = (): boolean => {
    const { maxCostMicroUsd, maxTokens, maxAttempts, maxDurationMs } = kernel.materialized.definition.budget;
    const factor = 2 ** budgetPauses;
    const ceilings = {
      ...(maxCostMicroUsd !== undefined && { maxCostMicroUsd: (maxCostMicroUsd + 1) * factor }),
      ...(maxTokens !== undefined && { maxTokens: (maxTokens + 1) * factor }),
      ...(maxAttempts !== undefined && { maxAttempts: maxAttempts * factor }),
      ...(maxDurationMs !== undefined && { maxDurationMs: maxDurationMs * factor }),
    };
    return take({ type: 'run.budget-raised', owner: { kind: 'run' }, ceilings, by: ada });
  };

  take({ type: 'run.start', graceMs: 50, compensate: fate.compensate });
  const isDone = (): boolean => isOver(kernel) && !kernel.hasWorkLeft;
  for (let turn = 0; !isDone(); turn += 1) {
    if (turn > (options.mostTurns ?? 5_000)) throw new Error(`The run is still ${kernel.status} after ${turn} turns.`);
    now += 1;
    const choice = fate.choices[turn % fate.choices.length]!;
    for (const { turn: when, what } of fate.controls) if (when === turn && !isDone()) control(what, choice);
    if (isDone()) break;
    const possible = pending.filter(canHappen);
    // The run's own time is long: it runs out now and then, or when nothing else is left to happen.
    const usual = possible.filter((one) => one.kind !== 'timer' || !one.timer.startsWith(fate.racing ? 'run:deadline' : 'run:'));
    const among = usual.length > 0 && !(fate.racing && choice % 16 === 0) ? usual : possible;
    if (among.length > 0) happen(among[choice % among.length]!);
    else if (kernel.paused) goOn();
    else
      throw new Error(`Nothing is left to happen, and the run is still ${kernel.status}: ${JSON.stringify(kernel.statuses())}`);
  }
  return { kernel, journal, commands, facts, effects };
}

/** FNV-1a, 20 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let place = 0; place < text.length; place += 1) hash = Math.imul(hash ^ text.charCodeAt(place), 0x01000193);
  return (hash >>> 0) % 1_048_576;
}

export const isOver = ({ status }: Kernel): boolean => status === 'completed' || status === 'failed' || status === 'cancelled';

function spendOf({ costUsd, tokens }: Allowance, share: number): Spend {
  const outputTokens = Math.floor((tokens ?? 100) * share);
  return {
    inputTokens: 0,
    outputTokens,
    costMicroUsd: Math.floor(Math.round((costUsd ?? 0.01) * 1_000_000) * share),
    provenance: 'measured',
  };
}
