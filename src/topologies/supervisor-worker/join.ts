import type { AddedStep, ExpansionState, StepAddition } from '../../core/ports/topology.js';
import { settingsOf } from './memo.js';
import { joinTemplate } from './settings.js';

/** Of what a decision has several workers do, the step that joins their outputs once all have ended; where the supervisor wants that. */
export function joinOf(
  state: ExpansionState,
  decision: AddedStep,
  delegations: readonly StepAddition[],
): readonly StepAddition[] {
  const { reducer } = settingsOf(state);
  if (reducer === undefined || delegations.length < 2) return [];
  const ids = delegations.map(({ name }) => `${state.goal.id}/${name}`);
  const turn = decision.id.slice(decision.id.lastIndexOf('/') + 1);
  return [
    {
      name: `${turn}.joined`,
      template: joinTemplate,
      parent: decision.id,
      title: `${reducer} of decision ${turn}`,
      instructions: '',
      dependsOn: ids,
      input: ids,
    },
  ];
}

/** Whether a step that has ended was the last that a join has waited for: then the supervisor is told of both at once. */
export function isJoinedNext(state: ExpansionState, { id }: AddedStep): boolean {
  if (settingsOf(state).reducer === undefined) return false;
  const open = state.open();
  const join = open.find(({ kind, input }) => kind === 'reduce' && input.includes(id));
  return join !== undefined && !open.some((step) => join.input.includes(step.id));
}

/** Whether something is yet to be joined. */
export const isJoining = (state: ExpansionState): boolean =>
  settingsOf(state).reducer !== undefined && state.open().some(({ kind }) => kind === 'reduce');
