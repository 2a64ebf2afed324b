import type { Expansion, ExpansionState, StepAddition } from '../../core/ports/topology.js';
import { asJson, settingsOf, type Memo } from './memo.js';
import { decisionTemplate } from './settings.js';

export const remember = (memo: Memo): Expansion => ({ memo: asJson(memo) });

/** Asks the supervisor what is to be done next, and tells it what it has not heard. */
export function ask(state: ExpansionState, memo: Memo): Expansion {
  const { goal, ticket } = state;
  const { supervisor, maxRounds } = settingsOf(state);
  const turn = memo.turns + 1;
  const own = decisionTemplate(ticket);
  const decision: StepAddition = {
    name: String(turn),
    template: state.hasTemplate(own) ? own : decisionTemplate(),
    parent: goal.id,
    title: `${supervisor}: decision ${turn}`,
    instructions: goal.instructions,
    input: goal.input,
    ...(goal.given && { given: goal.given }),
    ...(goal.join === 'all-settled' && { seesGaps: true }),
    mayFinish: true,
    reports: memo.pending,
    board: { round: memo.rounds + 1, roundsLeft: maxRounds - memo.rounds - 1 },
  };
  return { memo: asJson({ ...memo, turns: turn, isAsked: true, pending: [] }), add: [decision] };
}
