import fc from 'fast-check';

import { createKernel, type Kernel } from '../../src/core/kernel/create-kernel.js';
import { IllegalInputError } from '../../src/core/kernel/illegal-input-error.js';
import type { StepDefinition } from '../../src/core/materializer/definition.js';
import type { MaterializedRun } from '../../src/core/materializer/materialize.js';
import type { Command, RunFact, RunInput } from '../../src/core/ports/run.js';
import type { Allowance, Spend } from '../../src/core/ports/usage.js';
import { ada } from './materialized.js';

/** How one attempt goes. `hang`: it only ends after it was aborted, and then as `late` says. */
export interface AttemptPlan {
  readonly end: 'succeed' | 'fail' | 'fatal' | 'hang';
  readonly late: 'succeed' | 'fail';
  /** Share of the allowance that it spends, or so many hundredths of a dollar and tokens where there is none. */
  readonly share: number;
}

/** Everything about a run that is chance. Plain data, so that it shrinks. */
export interface Fate {
  /** For step `n`, how its attempts go; the last holds for all that follow. */
  readonly attempts: readonly (readonly AttemptPlan[])[];
  /** For step `n`, whether its gate is opened. */
  readonly gates: readonly boolean[];
  /** Which of the things that can happen next does. */
  readonly choices: readonly number[];
  /** Turns at which somebody pauses, goes on, cancels or says something twice. */
  readonly controls: readonly { readonly turn: number; readonly what: 'pause' | 'resume' | 'cancel' | 'repeat' }[];
  /** Whether a time limit may run out before an attempt that would have ended. */
  readonly racing: boolean;
  readonly deliveryFails: boolean;
}

export interface FateOptions {
  readonly controls?: readonly Fate['controls'][number]['what'][];
  readonly racing?: boolean;
  /** Most that an attempt spends, as a share of its allowance. Default: 1. */
  readonly mostShare?: number;
  readonly deliveryFails?: boolean;
}

export function fateArbitrary(options: FateOptions = {}): fc.Arbitrary<Fate> {
  const { controls = ['pause', 'resume', 'cancel', 'repeat'], racing = true, mostShare = 1, deliveryFails = true } = options;
  const attempt = fc.record({
    end: fc.constantFrom(
      'succeed' as const,
      'succeed' as const,
      'succeed' as const,
      'fail' as const,
      'fatal' as const,
      'hang' as const,
    ),
    late: fc.constantFrom('succeed' as const, 'fail' as const),
    share: fc.constantFrom(0, mostShare / 2, mostShare),
  });
  const control = () => fc.record({ turn: fc.nat({ max: 60 }), what: fc.constantFrom(...controls) });
  return fc.record({
    attempts: fc.array(fc.array(attempt, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 }),
    gates: fc.array(
      fc.nat({ max: 3 }).map((number) => number > 0),
      { minLength: 1, maxLength: 6 },
    ),
    choices: fc.array(fc.nat({ max: 1_000_003 }), { minLength: 1, maxLength: 60 }),
    controls: controls.length === 0 ? fc.constant([]) : fc.array(control(), { maxLength: 5 }),
    racing: racing ? fc.boolean() : fc.constant(false),
    deliveryFails: deliveryFails ? fc.nat({ max: 9 }).map((number) => number === 9) : fc.constant(false),
  });
}

/** How attempt `attempt` of step `index` goes: a step that nothing would ever abort does not hang. */
export function attemptPlan(
  fate: Fate,
  step: StepDefinition,
  { index, attempt }: { index: number; attempt: number },
): AttemptPlan {
  const list = fate.attempts[index % fate.attempts.length]!;
  const plan = list[Math.min(attempt, list.length) - 1]!;
  return plan.end === 'hang' && step.timeoutMs === undefined ? { ...plan, end: 'succeed' } : plan;
}

export const isGateOpened = (fate: Fate, index: number): boolean => fate.gates[index % fate.gates.length]!;

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
}

export interface WorldOptions {
  readonly onTurn?: (turn: Turn) => void;
  /** Goes on with this kernel in place of the one that has just taken an input. */
  readonly swap?: (kernel: Kernel) => Kernel;
  readonly mostTurns?: number;
}

/** Something that can happen next. */
type Pending =
  | {
      readonly kind: 'start' | 'end';
      readonly stepId: string;
      readonly attempt: number;
      readonly allowance: Allowance;
      readonly late: boolean;
    }
  | { readonly kind: 'timer'; readonly timer: string; readonly dueAt: number; readonly input: RunInput }
  | { readonly kind: 'input'; readonly input: Omit<RunInput, 'at'> };

/**
 * Runs a kernel in a world of chance until it is over: agents succeed, fail and hang, results come in any order, late and twice,
 * timers go off, people decide, pause and cancel. What the kernel refuses must leave it as it was.
 */
export function runToEnd(run: MaterializedRun, fate: Fate, options: WorldOptions = {}): Story {
  const { definition, graph } = run;
  const journal: Turn['input'][] = [];
  const commands: (readonly Command[])[] = [];
  const facts: RunFact[] = [];
  let kernel = createKernel(run);
  let pending: Pending[] = [];
  let now = 1_000;
  let budgetPauses = 0;

  const take = (body: Omit<RunInput, 'at'>): boolean => {
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
        return void pending.push({ ...command, kind: 'start', late: false });
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
        return void pending.push({
          kind: 'input',
          input: fate.deliveryFails
            ? { type: 'run.delivery-failed', error: { code: 'LOST', message: 'It got lost.' } }
            : { type: 'run.delivered' },
        } as Pending);
      case 'continue':
        return void pending.push({ kind: 'input', input: { type: 'run.continue' } });
      case 'publish':
        return hear(command.event);
      case 'run.ended':
        return;
    }
  };

  const hear = (fact: RunFact): void => {
    facts.push(fact);
    if (fact.type === 'step.gated') decideLater(fact.stepId, isGateOpened(fate, graph.indexOf.get(fact.stepId)!));
    else if (fact.type === 'step.in-doubt') decideLater(fact.stepId, planOf(fact.stepId, fact.attempt).late === 'succeed');
    else if (fact.type === 'run.paused' && fact.reason === 'budget_exceeded') budgetPauses += 1;
  };

  const decideLater = (stepId: string, approve: boolean): void =>
    void pending.push({
      kind: 'input',
      input: { type: 'step.decided', stepId, decision: { approve, by: ada, output: 'decided' } } as never,
    });

  const planOf = (stepId: string, attempt: number): AttemptPlan => {
    const index = graph.indexOf.get(stepId)!;
    return attemptPlan(fate, definition.steps[index]!, { index, attempt });
  };

  const happen = (one: Pending): void => {
    pending = pending.filter((other) => other !== one);
    if (one.kind === 'input') return void take(one.input);
    if (one.kind === 'timer') {
      now = Math.max(now, one.dueAt);
      return void take(one.input);
    }
    const { stepId, attempt, allowance } = one;
    if (one.kind === 'start') {
      if (take({ type: 'step.started', stepId, attempt } as never)) pending.push({ ...one, kind: 'end' });
      return;
    }
    const { end, late, share } = planOf(stepId, attempt);
    const spend = spendOf(allowance, share);
    const does = end === 'hang' ? late : end;
    const error = { code: 'NO_LUCK', message: 'It did not work.' };
    const result =
      does === 'succeed'
        ? { type: 'step.succeeded', stepId, attempt, output: { from: stepId }, spend }
        : { type: 'step.failed', stepId, attempt, error, retryable: does === 'fail', spend };
    if (!take(result as never)) take({ type: 'step.spent', stepId, attempt, spend } as never);
  };

  /** A hanging attempt ends once it was aborted; a time limit runs out on a hanging one, or when the fate has them race. */
  const canHappen = (one: Pending): boolean => {
    if (one.kind === 'start') return !kernel.paused;
    if (one.kind === 'end') return one.late || planOf(one.stepId, one.attempt).end !== 'hang';
    if (one.kind !== 'timer' || one.input.type !== 'step.timed-out') return true;
    return fate.racing || planOf(one.input.stepId, one.input.attempt).end === 'hang';
  };

  const control = (what: Fate['controls'][number]['what'], choice: number): void => {
    if (what === 'repeat') take(journal[choice % journal.length]!);
    else take((what === 'cancel' ? { type: 'run.cancel', reason: 'Enough.' } : { type: `run.${what}` }) as never);
  };

  take({ type: 'run.start', graceMs: 50 } as never);
  for (let turn = 0; !isOver(kernel); turn += 1) {
    if (turn > (options.mostTurns ?? 5_000)) throw new Error(`The run is still ${kernel.status} after ${turn} turns.`);
    now += 1;
    const choice = fate.choices[turn % fate.choices.length]!;
    for (const { turn: when, what } of fate.controls) if (when === turn && !isOver(kernel)) control(what, choice);
    if (isOver(kernel)) break;
    const possible = pending.filter(canHappen);
    // The run's own time is long: it runs out now and then, or when nothing else is left to happen.
    const usual = possible.filter((one) => one.kind !== 'timer' || !one.timer.startsWith(fate.racing ? 'run:deadline' : 'run:'));
    const among = usual.length > 0 && !(fate.racing && choice % 16 === 0) ? usual : possible;
    if (among.length > 0) happen(among[choice % among.length]!);
    else if (kernel.paused)
      take((budgetPauses > 3 ? { type: 'run.cancel', reason: 'No money.' } : { type: 'run.resume' }) as never);
    else
      throw new Error(`Nothing is left to happen, and the run is still ${kernel.status}: ${JSON.stringify(kernel.statuses())}`);
  }
  return { kernel, journal, commands, facts };
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
