import type { Assignment } from '../ports/agent.js';
import type { StoredError } from '../ports/run.js';
import { quote } from '../shared/issue.js';
import type { Json } from '../shared/json.js';

/** A part of a route that could not be read, and its place in the list that it stood in, from 0. */
export interface UnreadableAssignment {
  readonly place: number;
  readonly error: StoredError;
}

/** An assignment, and its place in the list that it stood in, from 0. */
export type PlacedAssignment = Assignment & { readonly place: number };

/** What the agent of a deciding step wants, as far as it can be read. */
export type ReadRoute =
  | {
      readonly kind: 'delegate';
      readonly assignments: readonly PlacedAssignment[];
      readonly unreadable: readonly UnreadableAssignment[];
    }
  | { readonly kind: 'handoff'; readonly assignment: Assignment }
  | { readonly kind: 'finish' }
  | { readonly kind: 'unreadable'; readonly error: StoredError };

const shapes =
  '{ delegate: [{ role, task, input? }] }, { delegate: [] } to wait for what is under way, { handoff: { role, task, input? } }, or { finish: true }';

/**
 * Reads a route that an agent gave, which may be anything. What cannot be read comes back as an error that tells the agent what would be right.
 * Of a list of delegations, each is read by itself. A delegation that stands twice counts once.
 */
export function readRoute(route: Json): ReadRoute {
  const fail = (found: string): ReadRoute => ({
    kind: 'unreadable',
    error: { code: 'ROUTE_UNREADABLE', message: `A decision is ${shapes}; ${found}.` },
  });
  if (route === null) return fail('there was none');
  if (typeof route !== 'object' || isList(route)) return fail(`it was ${quote(route)}`);
  const { delegate, handoff, finish } = route;
  const given = [delegate, handoff, finish].filter((part) => part !== undefined);
  if (given.length !== 1) return fail(given.length === 0 ? `it was ${quote(route)}` : 'it was more than one of them');
  if (finish !== undefined) return finish === true ? { kind: 'finish' } : fail(`finish was ${quote(finish)}`);
  if (handoff !== undefined) {
    const read = readAssignment(handoff);
    return 'error' in read ? { kind: 'unreadable', error: read.error } : { kind: 'handoff', assignment: read };
  }
  return isList(delegate) ? readDelegations(delegate) : fail(`delegate was ${quote(delegate)}`);
}

function readDelegations(list: readonly Json[]): ReadRoute {
  const assignments: PlacedAssignment[] = [];
  const unreadable: UnreadableAssignment[] = [];
  const seen = new Set<string>();
  list.forEach((given, place) => {
    const text = JSON.stringify(given);
    if (seen.has(text)) return;
    seen.add(text);
    const read = readAssignment(given);
    if ('error' in read) unreadable.push({ place, error: read.error });
    else assignments.push({ ...read, place });
  });
  return { kind: 'delegate', assignments, unreadable };
}

function readAssignment(given: Json): Assignment | { readonly error: StoredError } {
  const fail = (detail: string) => ({
    error: { code: 'ASSIGNMENT_UNREADABLE', message: `An assignment is { role, task, input? }: ${detail}.`, assignment: given },
  });
  if (typeof given !== 'object' || given === null || isList(given)) return fail(`this was ${quote(given)}`);
  const { role = '', task, input, from, supersedes } = given;
  if (typeof role !== 'string') return fail(`its role was ${quote(role)} instead of the key of one`);
  if (typeof task !== 'string' || task.trim() === '') return fail(`its task was ${quote(task)} instead of a text`);
  if (from !== undefined && !(isList(from) && from.every((id) => typeof id === 'string')))
    return fail(`its from was ${quote(from)} instead of a list of ids of delegations`);
  if (supersedes !== undefined && typeof supersedes !== 'string')
    return fail(`its supersedes was ${quote(supersedes)} instead of the id of a delegation`);
  return {
    role,
    task,
    ...(input !== undefined && { input }),
    ...(from !== undefined && { from: from }),
    ...(supersedes !== undefined && { supersedes }),
  };
}

const isList = (value: unknown): value is readonly Json[] => Array.isArray(value);
