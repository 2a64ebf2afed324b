import type { StepDefinition } from '../materializer/definition.js';
import type { ProbeFinding } from '../ports/run.js';
import { isArtifactRef } from '../shared/artifact-ref.js';
import type { Json } from '../shared/json.js';
import type { Artifacts } from './artifacts.js';
import { failureOf, type AttemptOutcome } from './attempt-outcome.js';

export interface OutputPlace {
  readonly artifacts: Artifacts;
  readonly runId: string;
  readonly step: StepDefinition;
}

/** What the kernel itself looks at when a run is replayed has to be in the journal, whatever its size. */
const staysInline = ({ decides, kind, inline }: StepDefinition): boolean =>
  decides === true || kind === 'verification' || inline === true;

/** Characters of an error's message that stay where what it told of was put away. */
const messageLength = 1_000;

/**
 * Puts a big output away before anybody is told of it. Where that cannot be done, the attempt has failed; but what must not happen twice is not
 * said to have failed because of its record: then the output stays as it is.
 */
export async function putAwayOutput(outcome: AttemptOutcome, { artifacts, runId, step }: OutputPlace): Promise<AttemptOutcome> {
  if (staysInline(step) && !isArtifactRef(outcome.kind === 'succeeded' ? outcome.output : undefined)) return outcome;
  const from = { runId, stepId: step.id, name: 'output' };
  try {
    if (outcome.kind === 'succeeded') return { ...outcome, output: await artifacts.putAway(from, outcome.output) };
    const { output, message, ...error } = outcome.error;
    if (output === undefined || isArtifactRef(output)) return outcome;
    const kept = await artifacts.putAway(from, output);
    if (kept === output) return outcome;
    return { ...outcome, error: { ...error, message: message.slice(0, messageLength).toWellFormed(), output: kept } };
  } catch (error) {
    if (outcome.kind !== 'succeeded' || step.effect === 'once') return outcome;
    return { ...failureOf(error), spend: outcome.spend };
  }
}

/** The same for what a probe has found. That it happened is known by now, so nothing can make it fail. */
export async function putAwayFinding(finding: ProbeFinding, place: OutputPlace): Promise<ProbeFinding> {
  if (finding.kind !== 'happened') return finding;
  const { output, spend } = finding;
  const outcome = await putAwayOutput({ kind: 'succeeded', output, spend }, place);
  return outcome.kind === 'succeeded' ? { ...finding, output: outcome.output } : finding;
}

/** The inputs of a step that planwright itself computes from, by the steps they come from: whole, wherever they lie. */
export async function wholeOutputs(
  outputs: ReadonlyMap<string, Json>,
  { artifacts, runId, sources }: Pick<OutputPlace, 'artifacts' | 'runId'> & { readonly sources: readonly string[] },
): Promise<ReadonlyMap<string, Json>> {
  const whole = sources.map(async (source): Promise<readonly [string, Json][]> => {
    const output = outputs.get(source);
    if (output === undefined) return [];
    return [[source, isArtifactRef(output) ? await artifacts.read(runId, output) : output]];
  });
  return new Map((await Promise.all(whole)).flat());
}
