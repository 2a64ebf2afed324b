import type { RouteRule } from '../ports/plan.js';
import type { Json } from '../shared/json.js';
import { compileJsonSchema } from './json-schema.js';

/** The branch that was taken, and why. */
export interface ChosenRoute {
  /** Place of the rule in the table, from 0. */
  readonly rule: number;
  readonly to: readonly string[];
  readonly reason: string;
}

/**
 * The first rule of a table that holds for a state, or `undefined` where none does. Pure: the same state takes the same branch,
 * always. A rule whose schema is malformed never holds.
 *
 * @example
 * chooseRoute([{ when: { properties: { score: { minimum: 8 } } }, to: ['ship'], reason: 'good enough' }], { score: 9 });
 * // { rule: 0, to: ['ship'], reason: 'good enough' }
 */
export function chooseRoute(rules: readonly RouteRule[], state: Json): ChosenRoute | undefined {
  for (const [rule, { when, to, reason }] of rules.entries()) {
    const schema = when === undefined ? undefined : compileJsonSchema(when);
    const holds = schema === undefined || (schema.ok && schema.value.validate(state).length === 0);
    if (holds) return { rule, to, reason };
  }
  return undefined;
}
