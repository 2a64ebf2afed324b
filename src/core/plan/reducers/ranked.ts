import type { Contribution, Reducer } from '../../ports/reducer.js';
import { canonicalJson } from '../../shared/canonical-json.js';
import type { Json, JsonObject } from '../../shared/json.js';
import { groupEqual, valuesOf, withConflicts } from './reduced.js';
import { ReducerInputError } from './reducer-input-error.js';

/**
 * One ranking out of several, by the Borda count (J.-C. de Borda, Mémoire sur les élections au scrutin, 1781). Each output is a ballot: a list of
 * candidates, best first, or an object with such a list as its `ranking`. Of n candidates the best of a ballot gets n - 1 points, the next one less,
 * and those that it does not name share equally what is left. Where every output has a `score` instead, the outputs themselves are the
 * candidates and their scores the points. Equally many points: what comes up first in the plan stands first.
 */
export const ranked: Reducer = (contributions) => {
  const scored = contributions.map(scoreOf);
  if (scored.every((score) => score !== undefined)) {
    return ranking(contributions.map(({ output }, place) => ({ candidate: output, points: scored[place]! })));
  }
  const ballots = contributions.map(ballotOf);
  const output = ranking(bordaCount(ballots));
  const isAgreed = groupEqual(ballots, (ballot) => ballot as Json).length === 1;
  return withConflicts(output, isAgreed ? [] : [{ pointer: '', values: valuesOf(contributions) }]);
};

interface Standing {
  readonly candidate: Json;
  readonly points: number;
}

/** Sorting is stable, so that equals stay in plan order. */
function ranking(standings: readonly Standing[]): Json {
  const sorted = standings.toSorted((one, other) => other.points - one.points);
  return { ranking: sorted.map(({ candidate }) => candidate), points: sorted.map(({ points }) => points) };
}

function bordaCount(ballots: readonly (readonly Json[])[]): readonly Standing[] {
  const candidates = groupEqual(ballots.flat(), (candidate) => candidate).map(([candidate]) => candidate!);
  const points = new Map(candidates.map((candidate) => [canonicalJson(candidate), 0]));
  for (const ballot of ballots) {
    const left = candidates.length - ballot.length;
    const places = new Map(ballot.map((candidate, place) => [canonicalJson(candidate), candidates.length - 1 - place]));
    for (const [candidate, sofar] of points) points.set(candidate, sofar + (places.get(candidate) ?? (left - 1) / 2));
  }
  return candidates.map((candidate) => ({ candidate, points: points.get(canonicalJson(candidate))! }));
}

const membersOf = (value: Json): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};

function scoreOf({ output }: Contribution): number | undefined {
  const { score } = membersOf(output);
  return typeof score === 'number' ? score : undefined;
}

function ballotOf({ stepId, output }: Contribution): readonly Json[] {
  const ballot = Array.isArray(output) ? (output as readonly Json[]) : membersOf(output)['ranking'];
  if (!Array.isArray(ballot))
    throw new ReducerInputError(
      stepId,
      '',
      output,
      'a list of candidates, best first, nor an object with such a list as its ranking',
    );
  const pointer = Array.isArray(output) ? '' : '/ranking';
  const isDouble = groupEqual(ballot as readonly Json[], (candidate) => candidate).length < ballot.length;
  if (isDouble) throw new ReducerInputError(stepId, pointer, ballot as Json, 'a ranking: it names a candidate twice');
  return ballot as readonly Json[];
}
