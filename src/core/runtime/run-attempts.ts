import type { Kernel } from '../kernel/create-kernel.js';
import { computeStep } from '../materializer/compute-step.js';
import type { StepDefinition } from '../materializer/definition.js';
import type { MaterializedRun } from '../materializer/materialize.js';
import { contributions, stepRequest } from '../materializer/step-request.js';
import type { AgentFunction, AgentRequest } from '../ports/agent.js';
import type { CancelTimer, Clock } from '../ports/clock.js';
import type { Command } from '../ports/run.js';
import { copyJson } from '../shared/copy-json.js';
import type { Json } from '../shared/json.js';
import { createAgentContext } from './agent-context.js';
import { failureOf, outcomeOf, type AttemptOutcome } from './attempt-outcome.js';
import { createDeferred } from './deferred.js';
import { AttemptAbortedError } from './errors.js';
import type { RunDriver } from './run-driver.js';
import type { WorkQueue } from './work-queue.js';

export type StartCommand = Extract<Command, { readonly type: 'step.start' }>;

/** Carries out the attempts of one run: waits for a place, calls the agent, and tells the kernel how it went. */
export interface RunAttempts {
  start(command: StartCommand): void;
  abort(stepId: string, reason: string): void;
  /** Takes up what was held back while the run was paused. */
  release(): void;
  abortAll(reason: string): void;
  /** Outputs by step. */
  readonly outputs: ReadonlyMap<string, Json>;
  /** Keeps an output that came another way: a person's decision. */
  keep(stepId: string, output: Json): void;
}

export interface RunAttemptsOptions {
  readonly runId: string;
  readonly materialized: MaterializedRun;
  readonly driver: () => RunDriver;
  readonly queue: WorkQueue;
  readonly agentOf: (agentId: string) => AgentFunction | undefined;
  readonly resources: ReadonlySet<string>;
  readonly isClosing: () => boolean;
  readonly clock: Clock;
  /** How long an attempt that was aborted keeps its place in the queue. */
  readonly graceMs: number;
  readonly place: { readonly teamId: string | null; readonly projectId: string | null };
}

/** An attempt under way. */
interface ActiveAttempt {
  readonly controller: AbortController;
  /** Gives up its place in the queue, whether or not it has ended. */
  readonly leave: () => void;
  disarm: CancelTimer;
}

/** What a step without an agent spends. */
const free = { inputTokens: 0, outputTokens: 0, costMicroUsd: 0, provenance: 'measured' } as const;

const priorities = { high: 2, normal: 1, low: 0 } as const;

export function createRunAttempts({
  runId,
  materialized,
  driver,
  queue,
  agentOf,
  resources,
  isClosing,
  clock,
  graceMs,
  place,
}: RunAttemptsOptions): RunAttempts {
  const { definition, graph } = materialized;
  const outputs = new Map<string, Json>();
  const recorded = new Map<string, Map<string, Promise<Json>>>();
  const active = new Map<string, ActiveAttempt>();
  const waiting = new Map<string, StartCommand>();
  const held: StartCommand[] = [];
  const roles = new Map(definition.roles.map((role) => [role.key, role]));
  const stepOf = (stepId: string): StepDefinition => definition.steps[graph.indexOf.get(stepId) ?? -1]!;
  const kernel = (): Kernel => driver().kernel;

  /** A step without an agent is computed here and now. */
  const compute = (command: StartCommand): void => {
    if (kernel().paused) return void held.push(command);
    const { stepId, attempt } = command;
    if (!driver().offer({ type: 'step.started', stepId, attempt })) return;
    const step = stepOf(stepId);
    const { input } = inputsOf(step);
    const computed = computeStep(step, { input, from: contributions(materialized, step, (id) => outputs.get(id)) });
    const outcome: AttemptOutcome = computed.ok
      ? { kind: 'succeeded', ...computed.value, spend: free }
      : { kind: 'failed', error: computed.error, retryable: false, spend: free };
    conclude({ stepId, attempt }, outcome);
  };

  const inputsOf = (step: StepDefinition) => {
    const gaps = step.join === 'all-settled' ? kernel().gaps() : [];
    return stepRequest(step, {
      outputOf: (source) => outputs.get(source),
      gaps,
      promptTemplate: roles.get(step.role ?? '')?.promptTemplate,
    });
  };

  /** The attempt's turn has come. */
  const begin = async (command: StartCommand): Promise<void> => {
    const { stepId } = command;
    // Aborted while it waited, or waiting again under a newer command.
    if (waiting.get(stepId) !== command || driver().halted || isClosing()) return;
    if (kernel().paused) return void held.push(command);
    waiting.delete(stepId);
    const place = createDeferred<undefined>();
    const current = {
      controller: new AbortController(),
      leave: () => place.resolve(undefined),
      disarm: (): void => undefined,
    };
    // From here on it can be aborted, also while its start is being written.
    active.set(stepId, current);
    void perform(command, current.controller.signal).finally(() => {
      current.disarm();
      if (active.get(stepId) === current) active.delete(stepId);
      current.leave();
    });
    await place.promise;
  };

  const perform = async (command: StartCommand, signal: AbortSignal): Promise<void> => {
    const { stepId, attempt } = command;
    const step = stepOf(stepId);
    const started = { type: 'step.started', stepId, attempt } as const;
    // What must never run twice is on record before it runs once; anything else may be issued again.
    if (step.effect === 'once') {
      if (!(await isDurable(driver(), started)) || driver().halted) return;
    } else if (!driver().offer(started)) return;
    // The run was stopped, or the step aborted, while its start was being written: then it does not begin.
    const { stop } = kernel();
    const isWanted = !signal.aborted && !stop;
    const unwanted = () => failureOf(signal.reason ?? new AttemptAbortedError(stepId, attempt, stop?.reason ?? ''));
    const outcome = isWanted ? await call(command, step, signal) : unwanted();
    conclude({ stepId, attempt }, outcome);
  };

  const call = async (command: StartCommand, step: StepDefinition, signal: AbortSignal): Promise<AttemptOutcome> => {
    const { stepId, attempt } = command;
    const agent = agentOf(step.agentId ?? '');
    if (!agent) return failureOf(new Error(`Agent "${step.agentId}" is no longer known to the orchestrator.`));
    const results = recorded.get(stepId) ?? new Map<string, Promise<Json>>();
    recorded.set(stepId, results);
    const context = createAgentContext({
      signal,
      resources,
      recorded: results,
      record: (name, value) => driver().submit({ type: 'effect.recorded', stepId, name, value }),
      progress: (message) => void driver().offer({ type: 'step.progress', stepId, attempt, message }),
    });
    try {
      const result: unknown = await agent(requestOf(command, step), context);
      return outcomeOf(result, step.outputSchema);
    } catch (error) {
      return failureOf(error);
    }
  };

  const requestOf = ({ id, stepId, attempt, allowance }: StartCommand, step: StepDefinition): AgentRequest => {
    const { role = '', kind, outputSchema } = step;
    const { parentTicket, channel, repositories, scope } = definition.context;
    const { input, ...prepared } = inputsOf(step);
    return {
      runId,
      stepId,
      kind,
      role,
      attempt,
      idempotencyKey: `${runId}:${id}`,
      ...prepared,
      // Outputs are shared and frozen; an agent may do with its input what it likes.
      input: copyJson(input),
      ...(outputSchema !== undefined && { outputSchema }),
      session: roles.get(role)?.clear === false ? `${runId}/role/${role}` : `${runId}/step/${stepId}`,
      allowance,
      tools: roles.get(role)?.tools ?? [],
      context: { parentTicket, channel, repositories, scope, ...place },
    };
  };

  /** Tells the kernel; what comes too late to count is still charged. */
  const conclude = (of: { readonly stepId: string; readonly attempt: number }, outcome: AttemptOutcome): void => {
    const { spend } = outcome;
    const taken =
      outcome.kind === 'succeeded'
        ? driver().offer({
            type: 'step.succeeded',
            ...of,
            output: outcome.output,
            spend,
            ...(outcome.branch && { branch: outcome.branch }),
          })
        : driver().offer({ type: 'step.failed', ...of, error: outcome.error, retryable: outcome.retryable, spend });
    if (!taken) driver().offer({ type: 'step.spent', ...of, spend });
    else if (outcome.kind === 'succeeded') outputs.set(of.stepId, outcome.output);
  };

  const enqueue = (command: StartCommand): void => {
    waiting.set(command.stepId, command);
    queue.add(() => begin(command), priorities[stepOf(command.stepId).priority]);
  };
  const start = (command: StartCommand): void =>
    stepOf(command.stepId).agentId === undefined ? compute(command) : enqueue(command);
  const abort = (stepId: string, reason: string): void => {
    waiting.delete(stepId);
    const current = active.get(stepId);
    if (!current || current.controller.signal.aborted) return;
    // Who takes no notice must not keep the place of others for ever.
    current.disarm = clock.schedule(clock.now() + graceMs, current.leave);
    current.controller.abort(new AttemptAbortedError(stepId, kernel().attempt(stepId), reason));
  };

  return {
    outputs,
    start,
    abort,
    release: () => held.splice(0).forEach(start),
    abortAll(reason) {
      waiting.clear();
      for (const stepId of [...active.keys()]) abort(stepId, reason);
    },
    keep: (stepId, output) => void outputs.set(stepId, output),
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
