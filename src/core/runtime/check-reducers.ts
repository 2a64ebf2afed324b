import { type CustomReducers, reducersOf } from '../plan/reduce.js';
import type { Plan } from '../ports/plan.js';
import { quote, type Issue } from '../shared/issue.js';
import { isKnownReducer, reducerNames } from '../shared/reducer-names.js';
import { ReducerMissingError } from './errors.js';

/** Reducers that a plan names and that are not at hand: issue `unknown-reducer`. */
export function reducerIssues(plan: Plan, reducers: CustomReducers): Issue[] {
  const custom = Object.keys(reducers);
  return Array.from(reducersOf(plan)).flatMap(([reducer, stepIds]) => {
    if (isKnownReducer(reducer, custom)) return [];
    const known = reducerNames(custom).map(quote).join(', ');
    const message = `Step ${quote(stepIds[0])} names the reducer ${quote(reducer)}, which the orchestrator was not given. There are ${known}.`;
    return [{ code: 'unknown-reducer', pointer: '', message }];
  });
}

/** @throws ReducerMissingError when a plan names a reducer that is not at hand. */
export function expectReducers(runId: string, plan: Plan, reducers: CustomReducers): void {
  const issues = reducerIssues(plan, reducers);
  if (issues.length > 0) throw new ReducerMissingError(runId, issues);
}
