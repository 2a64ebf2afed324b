import { err, ok, quote, type Issue, type Json, type OrchestrationProposal, type StoredError, type Topology } from 'planwright';
import type { AddedStep, Expand, Expansion, ExpansionEvent, ExpansionState, StepAddition, TemplateDraft } from 'planwright';
import { z } from 'zod';

const optionsSchema = z.strictObject({
  judge: z.string().describe('Role that hears each round, and ends the debate with a verdict.'),
  debaters: z.array(z.string()).min(2).max(100).describe('Roles that argue, all of them in each round.'),
  maxRounds: z.int().min(1).max(100).default(3).describe('Times that the judge may decide, its verdict included. Default: 3.'),
});
type Options = z.output<typeof optionsSchema>;

function faultsOf({ roles }: OrchestrationProposal, { judge, debaters }: Options): Issue[] {
  const known = new Set(roles.map(({ key }) => key));
  const named = [judge, ...debaters];
  return named.flatMap((role, place) => {
    const pointer = place === 0 ? '/topology/judge' : `/topology/debaters/${place - 1}`;
    if (!known.has(role)) return { code: 'unknown-role', pointer, message: `${quote(role)} is no role of this proposal.` };
    if (named.indexOf(role) === place) return [];
    return { code: 'duplicate-role', pointer, message: `${quote(role)} takes part already. Name each role once.` };
  });
}

const templateName = (role: string, ticket: string): string => `turn ${JSON.stringify([role, ticket])}`;

const arrange: Topology<Options>['arrange'] = (proposal, options) => {
  const issues = faultsOf(proposal, options);
  if (issues.length > 0) return err(issues);
  const { judge, debaters, maxRounds } = options;
  const keys = proposal.tickets.map(({ key }) => key);
  const templatesOf = (ticket: string): [string, TemplateDraft][] => [
    [templateName(judge, ticket), { kind: 'route', role: judge, decides: true, ticket, effect: 'none' }],
    ...debaters.map((role): [string, TemplateDraft] => [
      templateName(role, ticket),
      { kind: 'delegation', role, ticket, effect: 'none' },
    ]),
  ];
  return ok({
    steps: keys.map((id) => ({ id, kind: 'ticket', role: judge, expands: 'topology' })),
    templates: Object.fromEntries(keys.flatMap(templatesOf)),
    settings: options,
    team: debaters,
    bounds: {
      steps: maxRounds * (debaters.length + 1),
      decisions: maxRounds,
      delegations: maxRounds * debaters.length,
      handoffs: 0,
      parallel: debaters.length,
      depth: 1,
    },
  });
};

/** What cannot be looked up: the present round, and how often the judge has been asked. */
const memoSchema = z.object({ round: z.int(), decisions: z.int() });
type Memo = z.output<typeof memoSchema>;
const memoOf = ({ memo }: ExpansionState): Memo => memoSchema.parse(memo);
const settingsOf = ({ settings }: ExpansionState): Options => optionsSchema.parse(settings);

/** Turns of a round, in the order in which the debaters are named: whoever was first to answer makes no difference. */
const turnsOf = (state: ExpansionState, round: number): AddedStep[] =>
  settingsOf(state).debaters.flatMap((role) => state.stepOf(`${state.goal.id}/${round}.${role}`) ?? []);
const argumentsOf = (state: ExpansionState, round: number): AddedStep[] =>
  turnsOf(state, round).filter(({ status }) => status === 'succeeded');
const idsOf = (steps: readonly AddedStep[]): string[] => steps.map(({ id }) => id);

/** All who are left argue at once, each given what the others have argued last. Who has failed is not among them. */
function argue(state: ExpansionState, { memo, parent }: { readonly memo: Memo; readonly parent: string }): Expansion {
  const { goal, ticket } = state;
  const { round } = memo;
  const last = argumentsOf(state, round - 1);
  const left = round === 1 ? settingsOf(state).debaters : last.map(({ role }) => role);
  const turns = left.map((role): StepAddition => ({
    ...{ name: `${round}.${role}`, template: templateName(role, ticket), parent, title: `Round ${round}` },
    instructions: goal.instructions,
    input: [...goal.input, ...idsOf(last.filter((other) => other.role !== role))],
    ...(goal.given && { given: goal.given }),
  }));
  return { memo, add: turns };
}

/** The judge is told how the round went, and why its last decision was refused, if it was. Arguments of earlier rounds are inputs. */
function ask(state: ExpansionState, { round, decisions }: Memo, refusal?: StoredError): Expansion {
  const { goal, ticket } = state;
  if (argumentsOf(state, round).length === 0) {
    const message = `Nobody is left to argue ${quote(goal.id)}: all who took part in round ${round} have failed.`;
    return { end: { failed: { code: 'NOBODY_LEFT', message, round } } };
  }
  const { judge, maxRounds } = settingsOf(state);
  const next = decisions + 1;
  const turns = idsOf(turnsOf(state, round));
  const choice = next < maxRounds ? ', or choose "another" round.' : ': this was the last round.';
  const earlier = Array.from({ length: round - 1 }, (_, index) => idsOf(argumentsOf(state, index + 1))).flat();
  const before = `${goal.id}/${decisions}.${judge}`;
  const refused = refusal && { delegationId: before, role: judge, outcome: 'refused' as const, output: refusal };
  const question: StepAddition = {
    ...{ name: `${next}.${judge}`, template: templateName(judge, ticket), parent: goal.id, title: `Decision ${next}` },
    instructions: `${goal.instructions}\n\nFinish with your verdict${choice}`,
    dependsOn: refusal ? [before] : turns,
    input: [...goal.input, ...earlier],
    ...(goal.given && { given: goal.given }),
    reports: [...turns, ...(refused ? [refused] : [])],
    board: { round, decisionsLeft: maxRounds - next },
    mayFinish: true,
  };
  return { memo: { round, decisions: next }, add: [question], ...(refusal && { refused: [refusal], reason: 'refused' }) };
}

type Decided = Extract<ExpansionEvent, { readonly type: 'decided' }>;

/** A route is whatever an agent gave, nonsense included. */
const wordsOf = (route: Json) => (route ?? {}) as { readonly finish?: Json; readonly choose?: Json };
const isVerdict = (route: Json): boolean => wordsOf(route).finish === true;
const isAnother = (route: Json): boolean => wordsOf(route).choose === 'another';

/** Why a decision is not followed, in a sentence that its agent can act on; `undefined` where it is. */
function refusalOf(state: ExpansionState, { route, output }: Decided): StoredError | undefined {
  const { round, decisions } = memoOf(state);
  const { outputSchema = true } = state.goal;
  if (isVerdict(route)) {
    const faults = state.faultsOf(outputSchema, output);
    return faults.length > 0
      ? { code: 'OUTPUT_INVALID', message: `The verdict is not as asked: ${faults.join('; ')}.` }
      : undefined;
  }
  if (!isAnother(route))
    return { code: 'ROUTE_UNREADABLE', message: `Finish with a verdict or choose "another" round, instead of ${quote(route)}.` };
  if (decisions === settingsOf(state).maxRounds) return { code: 'NO_ROUND_LEFT', message: 'The judge wanted another round.' };
  if (argumentsOf(state, round).length < 2) return { code: 'NOBODY_TO_ANSWER', message: 'There is only one debater left.' };
  return undefined;
}

function follow(state: ExpansionState, event: Decided): Expansion {
  const { step, route } = event;
  const memo = memoOf(state);
  const { maxRounds } = settingsOf(state);
  const refusal = refusalOf(state, event);
  if (!refusal && isVerdict(route)) return { reason: 'verdict', end: { succeeded: step.id } };
  if (!refusal)
    return { ...argue(state, { memo: { ...memo, round: memo.round + 1 }, parent: step.id }), reason: 'another round' };
  if (memo.decisions < maxRounds) return ask(state, memo, refusal);
  const message = `There is no verdict on ${quote(state.goal.id)} after ${maxRounds} decisions (maxRounds). ${refusal.message}`;
  const failed = { code: 'NO_VERDICT', message, bound: 'maxRounds', limit: maxRounds, decision: step.id };
  return { reason: 'no verdict', refused: [refusal], end: { failed } };
}

/** The judge itself has failed, as often as the ticket lets it try. */
function giveUp({ step, outcome, error }: Extract<ExpansionEvent, { readonly type: 'reported' }>): Expansion {
  const message = `${quote(step.role)} has given no decision: ${error?.message ?? outcome}`;
  return { end: { failed: { code: 'JUDGE_FAILED', message, decision: step.id } } };
}

const expand: Expand = (state, event) => {
  switch (event.type) {
    case 'begun':
      return argue(state, { memo: { round: 1, decisions: 0 }, parent: state.goal.id });
    case 'reported':
      if (event.step.decides) return giveUp(event);
      // The round is over when nobody is arguing any more.
      return state.open().length === 0 ? ask(state, memoOf(state)) : {};
    case 'decided':
      return follow(state, event);
    case 'noticed':
      return {};
  }
};

/** Debaters argue in rounds, each against the others' last arguments. After each round a judge asks for another, or gives a verdict. */
export const debate: Topology<Options> = {
  kind: 'debate',
  version: '1',
  description: 'Two or more roles argue the question of a ticket in rounds, until a judge gives a verdict.',
  options: optionsSchema,
  arrange,
  expand,
};
