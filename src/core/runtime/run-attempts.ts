import type { Kernel } from '../kernel/create-kernel.js';
import { computeRules, computeStep } from '../materializer/compute-step.js';
import type { StepDefinition } from '../materializer/definition.js';
import { contributions } from '../materializer/step-request.js';
import type { Refusal } from '../limits/admission.js';
import { sharedSpendOf } from '../limits/shared-account.js';
import type { SharedHold } from '../limits/shared-hold.js';
import type { Holder } from '../limits/holder.js';
import type { Json } from '../shared/json.js';
import type { Artifacts } from './artifacts.js';
import { putAwayFinding, putAwayOutput, wholeOutputs } from './attempt-artifacts.js';
import { createAgentContext } from './agent-context.js';
import { createAgentRequests } from './agent-request.js';
import { choiceOf, failureOf, outcomeOf, type AttemptOutcome } from './attempt-outcome.js';
import { inputOf, type AttemptEnd } from './attempt-input.js';
import type { StartCommand } from './attempt-command.js';
import { createAttemptCallees, type Callee } from './attempt-callees.js';
import { createAttemptPlaces } from './attempt-places.js';
import { mustPause, withinHold } from './attempt-funds.js';
import { endSessions } from './end-sessions.js';
import { AttemptAbortedError } from './errors.js';
import { refusalOf } from './limit-errors.js';
import { createPulse } from './pulse.js';
import { probeStep } from './probe-step.js';
import { createResourceCalls } from './resource-calls.js';
import { createStepClaims } from './step-claims.js';
import type { AbortCommand, RunAttempts, RunAttemptsOptions } from './run-attempts-options.js';
import type { RunDriver } from './run-driver.js';
import { storedOutputs } from './stored-events.js';
import { createToolGate } from './tool-gate.js';
import { createBreakerTeller } from './tell-breaker.js';

interface Calling {
  /** Whose calls are known to be its own. */
  readonly by: Holder;
  readonly signal: AbortSignal;
  readonly callee: Callee;
}

/** An attempt whose turn is yet to come, or has come. */
interface Attempt {
  readonly command: StartCommand;
  readonly by: Holder;
  /** What budgets have for it that its run shares with others; absent where there are none. */
  readonly hold: SharedHold | undefined;
}

/** What a step without an agent spends. */
const free = { inputTokens: 0, outputTokens: 0, costMicroUsd: 0, provenance: 'measured' } as const;

export function createRunAttempts(options: RunAttemptsOptions): RunAttempts {
  const { state, driver, queue, suspects, agents, resources, isClosing, clock, graceMs, whenInDoubt, artifacts } = options;
  const { breakers, breakerSpecs: specs } = options;
  const { runId, outputs } = state;
  const kernel = (): Kernel => driver().kernel;
  const requests = createAgentRequests({ state, kernel });
  const { stepOf } = requests;
  const tenantOf = (): string => state.record.tenant ?? '';
  const places = createAttemptPlaces({ queue, suspects, clock, graceMs });
  const held: StartCommand[] = [];
  const claims = createStepClaims({ ...options, runId, kernel, limits: resources, tenant: () => state.record.tenant });
  const tell = createBreakerTeller({ state, driver, breakers, clock });
  const callees = createAttemptCallees({ kernel, breakers, specs, tell });
  const calls = createResourceCalls({ runId, tenant: tenantOf, kernel, claims, queue, clock, breakers, specs, tell });

  /** A step without an agent is computed here and now. */
  const compute = (command: StartCommand): void => {
    if (kernel().paused) return void held.push(command);
    const { stepId, attempt } = command;
    if (!driver().note({ type: 'step.started', stepId, attempt })) return;
    const step = stepOf(stepId);
    if (artifacts) void computeWhole(step, artifacts).then((outcome) => conclude({ stepId, attempt }, outcome));
    else conclude({ stepId, attempt }, computed(step, outputs));
  };

  const computed = (step: StepDefinition, from: ReadonlyMap<string, Json>): AttemptOutcome => {
    const { input } = requests.inputsOf(step, from);
    const { graph, reducers } = kernel().materialized;
    const given = contributions(step, {
      outputOf: (id) => from.get(id),
      roleOf: (id) => stepOf(id).role,
      placeOf: (id) => graph.indexOf.get(id),
    });
    const result = computeStep(step, { input, from: given, reducers });
    return result.ok
      ? { kind: 'succeeded', ...result.value, spend: free }
      : { kind: 'failed', error: result.error, retryable: false, spend: free };
  };

  /** {@link computed}, from outputs that lie elsewhere too. Never rejects. */
  const computeWhole = async (step: StepDefinition, store: Artifacts): Promise<AttemptOutcome> => {
    try {
      const outcome = computed(step, await inputsWhole(step));
      return await putAwayOutput(outcome, { artifacts: store, runId, step });
    } catch (error) {
      return failureOf(error);
    }
  };

  /** What planwright itself is to look at, it sees whole. */
  const inputsWhole = async (step: StepDefinition): Promise<ReadonlyMap<string, Json>> => {
    const sources = kernel().sourcesOf(step.id);
    return artifacts ? wholeOutputs(outputs, { artifacts, runId, sources }) : outputs;
  };

  /** It was not let in: an attempt that failed before it began. */
  const refuse = (command: StartCommand, refusal: Refusal): void => {
    if (driver().halted || isClosing()) return;
    const { stepId, attempt } = command;
    if (kernel().paused && command.type === 'step.start') return void held.push(command);
    const { error, retryable } = refusalOf(refusal);
    if (refusal.code === 'BUDGET_USED_UP' && mustPause(refusal.shortfall)) {
      held.push(command);
      return void driver().offer({ type: 'run.pause', reason: 'tenant_budget_exceeded', error });
    }
    if (!driver().note({ type: 'step.started', stepId, attempt })) return;
    conclude({ stepId, attempt }, { kind: 'failed', error, retryable, spend: free });
  };

  /** The attempt's turn has come. Gives its work, or nothing where it is not wanted any more. */
  const begin = ({ command, hold, by }: Attempt, signal: AbortSignal): Promise<void> | undefined => {
    if (driver().halted || isClosing()) return undefined;
    // A run that stops undoes what it did, paused or not.
    if (kernel().paused && command.type === 'step.start') return void held.push(command);
    if (callees.putOff(command, () => start(command))) return undefined;
    return perform({ command: withinHold(command, hold), hold, by }, signal);
  };

  const perform = async ({ command, hold, by }: Attempt, signal: AbortSignal): Promise<void> => {
    const { stepId, attempt } = command;
    const callee = callees.choose(command);
    if (!(await isStarted(command, callee)) || driver().halted) {
      callee.leave(undefined);
      return hold?.settle(free);
    }
    // The run was stopped, or the step aborted, while its start was being written: then it does not begin.
    const stop = command.type === 'step.start' ? kernel().stop : null;
    const isWanted = !signal.aborted && !stop;
    const unwanted = () => failureOf(signal.reason ?? new AttemptAbortedError(stepId, attempt, stop?.reason ?? ''));
    const ended = isWanted ? await call(command, { signal, callee, by }) : unwanted();
    const outcome = callees.conclude(command, { callee, end: ended });
    // What is big is stored before anybody hears that it is there.
    const mayBeBig = artifacts && outcome.kind !== 'interrupted';
    const end = mayBeBig ? await putAwayOutput(outcome, { artifacts, runId, step: stepOf(stepId) }) : outcome;
    conclude({ stepId, attempt }, end);
    hold?.settle(end.spend);
  };

  /**
   * What must never run twice is on record before it runs once, and so is what may have ended a process before. Anything else is asked
   * for again after a crash, and needs no commit of its own.
   */
  const isStarted = (command: StartCommand, { agentId }: Callee): Promise<boolean> | boolean => {
    const { stepId, attempt } = command;
    const isOwn = command.type === 'step.compensate' || agentId === undefined || agentId === stepOf(stepId).agentId;
    const started = { type: 'step.started', stepId, attempt, ...(!isOwn && { agentId }) } as const;
    const mustBeDurable = command.type === 'step.start' && (stepOf(stepId).effect === 'once' || command.lostStarts !== undefined);
    return mustBeDurable ? isDurable(driver(), started) : driver().note(started);
  };

  const call = async (command: StartCommand, { signal, callee, by }: Calling): Promise<AttemptEnd> => {
    const { stepId, attempt } = command;
    const step = stepOf(stepId);
    const isUndoing = command.type === 'step.compensate';
    const { agentId = '', refusal } = callee;
    if (refusal) return failureOf(refusal);
    const agent = agents.find(agentId);
    if (!agent) return failureOf(new Error(`Agent "${agentId}" is no longer known to the orchestrator.`));
    const gate = createToolGate({
      ...{ step, attempt, isUndoing, signal, kernel, driver: driver() },
      role: requests.roleOf((isUndoing ? step.compensation?.role : step.role) ?? ''),
    });
    const pulse = createPulse({
      ...{ clock, limitMs: step.heartbeatTimeoutMs },
      onSilent: (silence) => void driver().offer({ type: 'step.heartbeat-missed', stepId, attempt, ...silence }),
    });
    signal.addEventListener('abort', pulse.stop, { once: true });
    const context = createAgentContext({
      ...{ signal, pulse },
      admit: gate.admit,
      resources: new Set([...Object.keys(resources), ...Object.keys(kernel().materialized.definition.resources)]),
      enter: (resource, fn) => calls.call(resource, { fn, signal, step, by }),
      recorded: requests.recorded(stepId),
      scope: isUndoing ? 'compensation/' : '',
      record: (name, value) => driver().submit({ type: 'effect.recorded', stepId, name, value }),
      progress: (message) => void driver().offer({ type: 'step.progress', stepId, attempt, message }),
      ...{ artifacts, runId, stepId },
    });
    const isChoice = step.kind === 'route' && !step.decides && !isUndoing;
    const ended = (outcome: AttemptOutcome): AttemptEnd =>
      gate.interruption ? { kind: 'interrupted', ...gate.interruption, spend: outcome.spend } : outcome;
    try {
      await fetchMissing(step);
      const request = requests.requestOf(command);
      const ruled = isChoice ? computeRules(step, requests.inputsOf(step, await inputsWhole(step)).input) : undefined;
      if (ruled) return { kind: 'succeeded', ...ruled, spend: free };
      const result: unknown = await agent(request, context);
      // What a step that decides makes on the way is its own affair; when it finishes, its goal looks at it.
      const outputSchema = isUndoing || step.decides ? undefined : step.outputSchema;
      const isOutputOptional = isUndoing || isChoice || step.decides === true;
      const outcome = outcomeOf(result, outputSchema, { isOutputOptional });
      return ended(isChoice ? choiceOf(outcome, requests.choicesOf(step)) : outcome);
    } catch (error) {
      return ended(failureOf(error, { agent: agents.findAgent(agentId), now: clock.now() }));
    } finally {
      pulse.stop();
      signal.removeEventListener('abort', pulse.stop);
    }
  };

  /** Tells the kernel; what comes too late to count is still charged. */
  const conclude = (of: { readonly stepId: string; readonly attempt: number }, outcome: AttemptEnd): void => {
    const { spend } = outcome;
    const { offer } = driver();
    if (offer({ ...inputOf(outcome), ...of })) return outcome.kind === 'throttled' ? holdBack(of.stepId) : undefined;
    offer({ type: 'step.spent', ...of, spend });
    if (outcome.kind === 'succeeded') offer({ type: 'step.late', ...of, output: outcome.output });
  };

  /** What a step uses that was turned away by a provider, nobody uses until it is tried again. */
  const holdBack = (stepId: string): void => {
    const until = kernel().retryAt(stepId);
    if (until !== undefined) for (const { name } of stepOf(stepId).resources) queue.hold(name, until);
  };

  /** A step may be given what has left memory: a supervisor may come back to any report. */
  const fetchMissing = async (step: StepDefinition): Promise<void> => {
    const missing = requests.missing(step);
    if (missing.size === 0) return;
    for (const [stepId, output] of await storedOutputs(state.log, missing)) state.outputs.set(stepId, output);
  };

  const start = (command: StartCommand): void => {
    const step = stepOf(command.stepId);
    if (command.type === 'step.start' && step.agentId === undefined) compute(command);
    else if (!callees.putOff(command, () => start(command))) {
      const { priority } = step;
      const hold = state.purse?.hold(command.allowance);
      const { kind, ...claimed } = claims.of(step);
      const by = { runId, stepId: step.id };
      places.take(command, {
        ...{ tenant: tenantOf(), owner: runId, priority, ...claimed },
        ...(step.resources.length > 0 && { by }),
        // No ceiling keeps a step from being undone.
        ...(command.type === 'step.compensate' ? { kind: `${kind} undone` } : { kind, ...(hold && { funds: hold }) }),
        begin: (signal) => begin({ command, hold, by }, signal),
        refuse: (why) => refuse(command, why),
        giveUp: () => hold?.giveUp(),
      });
    }
  };
  const abort = ({ stepId, reason, isOutOfTime }: AbortCommand): void => {
    callees.abort(stepId, { isOutOfTime: isOutOfTime === true });
    places.abort(stepId, () => new AttemptAbortedError(stepId, kernel().attempt(stepId), reason));
  };

  return {
    start,
    abort,
    probe(command) {
      const { stepId, attempt } = command;
      const step = stepOf(stepId);
      const agent = agents.findAgent(kernel().callees(stepId).called.at(-1) ?? '');
      const probed = probeStep({ agent, request: requests.requestOf(command), step, clock, limitMs: graceMs });
      void probed.then(artifacts ? (found) => putAwayFinding(found, { artifacts, runId, step }) : undefined).then((finding) => {
        const isTold = driver().offer({ type: 'step.probed', stepId, attempt, finding });
        if (finding.kind === 'happened') state.purse?.charge(sharedSpendOf(finding.spend));
        if (!isTold || finding.kind !== 'unknown' || whenInDoubt === 'park' || kernel().stop) return;
        const by = { kind: 'policy', id: 'when-in-doubt' } as const;
        const note = 'Nobody can tell whether it happened, and a step in doubt counts as failed here.';
        driver().offer({ type: 'step.decided', stepId, decision: { approve: false, by, note } });
      });
    },
    putOffs: callees.putOffs,
    pausedCalls: calls.paused,
    endSessions: (reason) =>
      endSessions(
        { runId: state.runId, kernel: kernel(), agents, sessionOf: requests.sessionOf, clock, limitMs: graceMs },
        reason,
      ),
    release: () => held.splice(0).forEach(start),
    abortAll(reason) {
      callees.forget();
      for (const stepId of places.forgetWaiting()) abort({ stepId, reason });
    },
  };
}

/** Whether an input was taken and is durable. */
async function isDurable(driver: RunDriver, input: Parameters<RunDriver['submit']>[0]): Promise<boolean> {
  try {
    await driver.submit(input);
    return true;
  } catch {
    // Refused, or the store is gone: in both cases nothing may start. The driver has told whoever must know.
    return false;
  }
}
