import { isKnownReducer, reducerNames } from '../../shared/reducer-names.js';
import { asList, asObject } from '../loose.js';
import { createHints, labelOf, listed, named } from '../words.js';
import type { Rule, RuleContext } from './rule.js';

/** What says how an agent works, and so means nothing where none is called. */
const agentFields = [
  ...(['role', 'instructions', 'effect', 'compensation', 'resources'] as const),
  ...(['retry', 'timeoutMs', 'totalTimeoutMs', 'heartbeatTimeoutMs', 'estimate', 'budget', 'verify'] as const),
] as const;

/**
 * A ticket, and the synthesis, has an agent or a reducer: `missing` where neither does it, `not-with-reducer` for what only an agent would go by,
 * `unknown-reducer`.
 */
export const checkReducers: Rule = (context) => {
  const { tickets, fields } = context.sketch;
  for (const ticket of tickets) {
    if (!isObject(asList(fields['tickets'])[ticket.index])) continue;
    check(context, { fields: ticket.fields, path: ['tickets', ticket.index], label: () => labelOf('ticket', ticket) });
  }
  const { synthesis } = fields;
  if (isObject(synthesis)) check(context, { fields: asObject(synthesis), path: ['synthesis'], label: () => 'synthesis' });
};

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

interface Part {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly path: readonly PropertyKey[];
  readonly label: () => string;
}

function check(context: RuleContext, part: Part): void {
  const { issues } = context;
  const { fields, path, label } = part;
  const { reducer } = fields;
  if (reducer === undefined) {
    for (const field of ['role', 'instructions'] as const) {
      if (fields[field] === undefined)
        issues.add('missing', [...path, field], () => `${label()} ${field} is missing; it must be a text`);
    }
    return;
  }
  for (const field of agentFields) {
    if (fields[field] === undefined) continue;
    const message = () => `${label()} has a reducer, which calls no agent, so its ${field} means nothing; remove one of the two`;
    issues.add('not-with-reducer', [...path, field], message);
  }
  checkName(context, part);
}

function checkName({ issues, reducers }: RuleContext, { fields: { reducer }, path, label }: Part): void {
  if (typeof reducer !== 'string' || reducer.trim() === '' || isKnownReducer(reducer, reducers)) return;
  const known = reducerNames(reducers);
  const guess = createHints(known)(reducer);
  const hint = guess.includes('did you mean') ? guess : '';
  const message = `${label()} names the unknown reducer ${named(reducer)}; known: ${listed(known, 20)}${hint}`;
  issues.add('unknown-reducer', [...path, 'reducer'], message);
}
