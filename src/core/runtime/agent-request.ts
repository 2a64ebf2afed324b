import type { Briefing } from '../kernel/briefing.js';
import type { Kernel } from '../kernel/create-kernel.js';
import type { PlanRoleDefinition, RunDefinition, StepDefinition } from '../materializer/definition.js';
import { compensationRequest, isToldOfGaps, stepRequest, type StepRequest } from '../materializer/step-request.js';
import type { AgentRequest } from '../ports/agent.js';
import type { RouteChoice } from '../ports/plan.js';
import { copyJson } from '../shared/copy-json.js';
import type { Json } from '../shared/json.js';
import type { ProbeCommand, StartCommand } from './attempt-command.js';
import type { RunState } from './run-state.js';

export interface AgentRequestsOptions {
  readonly state: RunState;
  readonly kernel: () => Kernel;
}

/** Puts together what the agents of one run are asked. */
export interface AgentRequests {
  stepOf(stepId: string): StepDefinition;
  sessionOf(step: StepDefinition): string;
  /** A role, and the tools that it may use. */
  roleOf(key: string): { readonly key: string; readonly tools: readonly string[] };
  /** What a step is given of what came before: of these outputs, or of those that the run has. */
  inputsOf(step: StepDefinition, outputs?: ReadonlyMap<string, Json>): StepRequest;
  /** What the agent of a `route` step can choose from. */
  choicesOf(step: StepDefinition): readonly RouteChoice[];
  /** Outputs that a step is given and that have left memory. */
  missing(step: StepDefinition): ReadonlySet<string>;
  requestOf(command: StartCommand | ProbeCommand): AgentRequest;
  /** Results of `once` of a step, those of earlier attempts and processes included. */
  recorded(stepId: string): Map<string, Promise<Json>>;
}

export function createAgentRequests({ state, kernel }: AgentRequestsOptions): AgentRequests {
  const { runId, outputs, effects, failures, record } = state;
  const definition = (): RunDefinition => kernel().materialized.definition;
  const recorded = new Map<string, Map<string, Promise<Json>>>();
  let roles: ReadonlyMap<string, PlanRoleDefinition> = new Map();
  let rolesOf: RunDefinition | undefined;
  /** As they are by now: another plan may have been approved since the step before. */
  const roleOf = (key: string | undefined): PlanRoleDefinition | undefined => {
    const now = definition();
    if (now !== rolesOf) roles = new Map(now.roles.map((role) => [role.key, role]));
    rolesOf = now;
    return roles.get(key ?? '');
  };
  const stepOf = (stepId: string): StepDefinition => kernel().step(stepId);

  const inputsOf: AgentRequests['inputsOf'] = (step, from = outputs) => {
    const request = stepRequest(step, {
      outputOf: (source) => from.get(source),
      gaps: isToldOfGaps(step) ? kernel().gaps() : [],
      promptTemplate: roleOf(step.role)?.promptTemplate,
    });
    const briefing = kernel().briefing(step.id);
    if (briefing) return { ...request, input: { ...request.input, ...briefed(briefing) } };
    if (step.kind !== 'route' || step.role === undefined) return request;
    return { ...request, input: { ...request.input, board: { choices: choicesOf(step) as unknown as Json } } };
  };

  const choicesOf = ({ id, choices }: StepDefinition): readonly RouteChoice[] =>
    choices ??
    definition()
      .steps.filter(({ dependsOn }) => dependsOn.includes(id))
      .map((dependent) => ({ to: dependent.id }));

  /** What a step that decides is told, with the outputs in it. */
  const briefed = ({ reports, board }: Briefing): Record<string, Json> => ({
    reports: reports.map((report): Json => {
      if (!('outputFrom' in report)) return { ...report };
      const { outputFrom, ...told } = report;
      return { ...told, output: outputs.get(outputFrom) ?? null };
    }),
    board: board as unknown as Json,
  });

  const sessionOf = ({ id, role = '', added }: StepDefinition): string => {
    if (added?.session !== undefined) return `${runId}/role/${role}/${added.session}`;
    return roleOf(role)?.clear === false ? `${runId}/role/${role}` : `${runId}/step/${id}`;
  };

  const undoingOf = (step: StepDefinition): StepRequest =>
    compensationRequest(step, {
      output: outputs.get(step.id) ?? null,
      promptTemplate: roleOf(step.compensation?.role)?.promptTemplate,
    });

  return {
    stepOf,
    sessionOf,
    roleOf: (key) => ({ key, tools: roleOf(key)?.tools ?? [] }),
    inputsOf,
    choicesOf,
    missing: ({ id }) => {
      const isThere = (source: string): boolean => outputs.has(source) || kernel().stepStatus(source) !== 'succeeded';
      return new Set(
        kernel()
          .sourcesOf(id)
          .filter((source) => !isThere(source)),
      );
    },
    requestOf(command) {
      const { stepId, attempt } = command;
      const step = stepOf(stepId);
      const isUndoing = command.type === 'step.compensate';
      const role = (isUndoing ? step.compensation?.role : step.role) ?? '';
      const { input, ...prepared } = isUndoing ? undoingOf(step) : inputsOf(step);
      const { parentTicket, channel, repositories, scope } = definition().context;
      const { teamId, projectId } = record;
      const previous = failures.get(stepId);
      // Who may finish a goal is told what its output must be.
      const { outputSchema } = step.added?.mayFinish ? stepOf(step.added.goal) : step;
      return {
        runId,
        stepId,
        kind: isUndoing ? 'compensation' : step.kind,
        role,
        attempt: isUndoing ? command.effort : attempt,
        ...(previous && { previous }),
        // A probe asks about an attempt, so it speaks of that one's key.
        idempotencyKey: `${runId}:${command.type === 'step.probe' ? command.startId : command.id}`,
        ...prepared,
        // Outputs are shared and frozen; an agent may do with its input what it likes.
        input: copyJson(input),
        ...(outputSchema !== undefined && !isUndoing && { outputSchema }),
        session: sessionOf(isUndoing ? { ...step, role } : step),
        ...(step.added && { parent: step.added.parent }),
        allowance: command.type === 'step.probe' ? {} : command.allowance,
        tools: roleOf(role)?.tools ?? [],
        context: { parentTicket, channel, repositories, scope, teamId, projectId },
      };
    },
    recorded(stepId) {
      const results = recorded.get(stepId) ?? new Map<string, Promise<Json>>();
      recorded.set(stepId, results);
      for (const [name, value] of effects.get(stepId) ?? []) if (!results.has(name)) results.set(name, Promise.resolve(value));
      return results;
    },
  };
}
