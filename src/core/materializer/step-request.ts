import type { Contribution } from '../ports/reducer.js';
import type { Gap } from '../ports/run.js';
import type { Json } from '../shared/json.js';
import { canSpeak, fence, textOf } from '../shared/fence.js';
import { fillPlaceholders, type Filling } from '../shared/placeholder.js';
import type { StepDefinition } from './definition.js';

/** What a step's agent is given that follows from the definition and from what came before. */
export interface StepRequest {
  readonly instructions: string;
  readonly input: Readonly<Record<string, Json>>;
  readonly gaps: readonly Gap[];
}

/** What is known when a step starts. */
export interface StepInputs {
  /** The output of a step, or `undefined` where it has none. */
  readonly outputOf: (stepId: string) => Json | undefined;
  /** Tickets without an output; shown to steps that wait for all to settle. */
  readonly gaps: readonly Gap[];
  readonly promptTemplate: string | undefined;
}

/**
 * Puts a step's request together: exactly its declared inputs, by the id of the step each came from. A step that waits for all to
 * settle also finds `gaps` among them: what it will not get, and why.
 */
export function stepRequest(step: StepDefinition, { outputOf, gaps, promptTemplate }: StepInputs): StepRequest {
  const found: [string, Json][] = Object.entries(step.given ?? {}).map(([name, value]) => [name, value ?? null]);
  for (const id of step.input) {
    const output = outputOf(id);
    if (output !== undefined) found.push([id, output]);
  }
  for (const [name, id] of Object.entries(step.added?.inputAs ?? {})) {
    const output = outputOf(id);
    if (output !== undefined) found.push([name, output]);
  }
  const seesGaps = isToldOfGaps(step);
  const missing = seesGaps ? gapsAmong(step.input, gaps) : [];
  if (seesGaps) found.push(['gaps', missing as unknown as Json]);
  const input = Object.fromEntries(found);
  // What the plan itself gives was approved with it; everything else, somebody made while the run was under way.
  const isOwn = (id: string): boolean => !step.added && step.given !== undefined && Object.hasOwn(step.given, id);
  const fillingOf = (id: string): Filling => {
    const value = Object.hasOwn(input, id) ? (input[id] ?? null) : null;
    return isOwn(id) ? textOf(value) : fenced(value, id);
  };
  const task = step.added?.isVerbatim ? step.instructions : fillPlaceholders(step.instructions, fillingOf);
  return { instructions: joinTemplate(promptTemplate, task), input, gaps: missing };
}

/** Whether a step finds `gaps` among its inputs: one that waits for others however they end, unless it was added, and not to be told. */
export const isToldOfGaps = ({ join, added }: StepDefinition): boolean =>
  join === 'all-settled' && (!added || added.seesGaps === true);

/** What an agent is asked that undoes a step: the instructions of the compensation, and the step's output by its id. */
export function compensationRequest(
  { id, compensation }: StepDefinition,
  { output, promptTemplate }: { readonly output: Json; readonly promptTemplate: string | undefined },
): StepRequest {
  const task = fillPlaceholders(compensation?.instructions ?? '', (name) => fenced(name === id ? output : null, name));
  return { instructions: joinTemplate(promptTemplate, task), input: { [id]: output }, gaps: [] };
}

function gapsAmong(stepIds: readonly string[], gaps: readonly Gap[]): readonly Gap[] {
  if (gaps.length === 0) return gaps;
  const named = new Set(stepIds);
  return gaps.filter(({ key }) => named.has(key));
}

/** Where the outputs come from that a step joins. */
export interface ContributionSources extends Pick<StepInputs, 'outputOf'> {
  readonly roleOf: (stepId: string) => string | undefined;
  /** Where a step stands in the plan; `undefined` for one that was added. */
  readonly placeOf: (stepId: string) => number | undefined;
}

/** The inputs of a step that joins them, each with the role it came from, in plan order; those that were added stand last, as they are listed. */
export function contributions(
  { input }: StepDefinition,
  { outputOf, roleOf, placeOf }: ContributionSources,
): readonly Contribution[] {
  const placed = input.map((stepId) => ({ stepId, place: placeOf(stepId) ?? Infinity }));
  // Not by their difference: that of two infinities is no number.
  const inOrder = placed.sort((one, other) => (one.place === other.place ? 0 : one.place - other.place));
  return inOrder.flatMap(({ stepId }) => {
    const output = outputOf(stepId);
    return output === undefined ? [] : [Object.freeze({ stepId, role: roleOf(stepId) ?? '', output })];
  });
}

/** `template`, a blank line, `## Task`, a blank line, the task; the task alone where there is no template. */
const joinTemplate = (template: string | undefined, task: string): string =>
  template === undefined ? task : `${template}\n\n## Task\n\n${task}`;

/** The words of another agent, as data that cannot pass for a part of the task. What has no value becomes `null`. */
const fenced = (value: Json, origin: string): Filling =>
  canSpeak(value) ? { block: fence(textOf(value), origin) } : textOf(value);
