import type { PlanStep } from '../ports/plan.js';
import type { OrchestrationProposal, SynthesisSpec } from '../ports/proposal.js';
import type { StepDraft } from '../ports/topology.js';
import type { JsonSchema } from '../shared/json.js';
import { discussionRounds, discussionStepId, positionStepId } from './phase-ids.js';
import { draftedStep, executionOf, inOrder, stepDefaults, ticketStep } from './step-defaults.js';

const positionSchema: JsonSchema = {
  type: 'object',
  properties: {
    position: { type: 'string', minLength: 1 },
    risks: { type: 'array', items: { type: 'string' } },
  },
  required: ['position'],
  additionalProperties: false,
};

/** All steps of a plan, not yet sorted: research, discussion, the work as its topology drafted it, synthesis. */
export function frameWork(proposal: OrchestrationProposal, drafts: readonly StepDraft[]): readonly PlanStep[] {
  const research = researchSteps(proposal);
  const discussion = discussionSteps(proposal);
  const work = workSteps(proposal, drafts);
  return [...research, ...discussion, ...work, synthesisStep(proposal, work)];
}

/** Ids of the phases before the work whose outputs the work may read: `research`, `discussion`. */
const phasesBefore = ({ research, discussion }: OrchestrationProposal): readonly string[] => [
  ...(research === undefined ? [] : ['research']),
  ...(discussion === undefined ? [] : ['discussion']),
];

function researchSteps({ research }: OrchestrationProposal): readonly PlanStep[] {
  if (research === undefined) return [];
  const { role, instructions } = research;
  const step = { id: 'research', kind: 'research', phase: 'research', title: 'Research', role, instructions } as const;
  return [{ ...stepDefaults, ...step, ...executionOf(research), onFailure: 'fail-run' }];
}

function discussionSteps(proposal: OrchestrationProposal): readonly PlanStep[] {
  const rounds = discussionRounds(proposal);
  const steps: PlanStep[] = [];
  for (let round = 1; round <= rounds; round++) {
    const positions = roundPositions(proposal, round);
    const ids = inOrder(positions.map(({ id }) => id));
    const step = { id: discussionStepId(round, rounds), kind: 'reduce', phase: 'discussion', reducer: 'positions' } as const;
    const title = rounds === 1 ? 'Discussion' : `Discussion, round ${round}`;
    steps.push(...positions, { ...stepDefaults, ...step, title, dependsOn: ids, input: ids, join: 'all-settled' });
  }
  return steps;
}

function roundPositions(proposal: OrchestrationProposal, round: number): readonly PlanStep[] {
  const { research, discussion, roles } = proposal;
  const rounds = discussionRounds(proposal);
  const before = Array.from({ length: round - 1 }, (_, earlier) => discussionStepId(earlier + 1, rounds));
  const briefing = research === undefined ? [] : ['research'];
  return inOrder(roles.map(({ key }) => key)).map((role) => ({
    ...stepDefaults,
    id: positionStepId(round, role),
    kind: 'position',
    phase: 'discussion',
    title: round === 1 ? `Position of ${role}` : `Position of ${role}, round ${round}`,
    role,
    instructions: discussion?.instructions ?? '',
    dependsOn: round > 1 ? before.slice(-1) : briefing,
    input: inOrder([...briefing, ...before]),
    outputSchema: positionSchema,
  }));
}

function workSteps(proposal: OrchestrationProposal, drafts: readonly StepDraft[]): readonly PlanStep[] {
  const tickets = new Map(proposal.tickets.map((ticket) => [ticket.key, ticket]));
  const work = new Set(drafts.map(({ id }) => id));
  const phases = phasesBefore(proposal);
  const gateway = phases.slice(-1);
  return drafts.map((draft): PlanStep => {
    const ticket = draft.kind === 'ticket' ? tickets.get(draft.id) : undefined;
    const step = ticket === undefined ? draftedStep(draft) : ticketStep(ticket, draft);
    const isRoot = !step.dependsOn.some((id) => work.has(id));
    const upstream = step.role === undefined ? step.dependsOn : [...step.dependsOn, ...phases];
    // Put into the fresh step, not spread with it into another: V8 would give every step a hidden class of its own.
    return Object.assign(step, {
      dependsOn: inOrder(isRoot ? [...step.dependsOn, ...gateway] : step.dependsOn),
      input: inOrder(step.input ?? upstream),
    });
  });
}

/**
 * Waits for every ticket, and for whatever else of the work nothing waits for, so that it is the last step of the run. One with a reducer joins
 * what nothing else waits for.
 */
function synthesisStep(proposal: OrchestrationProposal, work: readonly PlanStep[]): PlanStep {
  const { synthesis } = proposal;
  const awaited = new Set(work.flatMap(({ dependsOn }) => dependsOn));
  const last = inOrder(work.filter(({ id, kind }) => kind === 'ticket' || !awaited.has(id)).map(({ id }) => id));
  return {
    ...stepDefaults,
    id: 'synthesis',
    kind: 'synthesis',
    phase: 'synthesis',
    title: 'Synthesis',
    ...carriedOutBy(synthesis),
    dependsOn: last,
    join: 'all-settled',
    input: inOrder(
      synthesis.reducer === undefined ? [...last, ...phasesBefore(proposal)] : last.filter((id) => !awaited.has(id)),
    ),
    ...executionOf(synthesis),
    effect: synthesis.reducer === undefined ? 'idempotent' : 'none',
    onFailure: 'fail-run',
  };
}

/** An agent, or a reducer; which of the two it is parsing has seen to. */
const carriedOutBy = ({ role, instructions = '', reducer }: SynthesisSpec) => ({
  ...(role !== undefined && { role }),
  instructions,
  ...(reducer !== undefined && { reducer }),
});
