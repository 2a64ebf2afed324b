import type { Expansion, StepAddition } from '../ports/topology.js';
import { quote } from '../shared/issue.js';
import { jsonFault } from '../shared/json-fault.js';
import type { Goal } from './goal.js';
import { stepOf, type RunCore } from './run-core.js';

/** Why what a topology has answered cannot be, as a sentence goes on: it comes from code that is not the kernel's. */
export function expansionFault(core: RunCore, goal: Goal, { add = [], memo, cancel = [], end }: Expansion): string | undefined {
  const goalId = stepOf(core, goal.index).id;
  const named = new Set<string>();
  const isOwn = (id: string): boolean => named.has(id) || isAddedTo(core, goalId, id);
  const stray = [...cancel.map(({ id }) => id), ...(end && 'succeeded' in end ? [end.succeeded] : [])].find((id) => !isOwn(id));
  if (stray !== undefined) return `${quote(stray)} is no step that was added to it`;
  const fault = memo === goal.memo ? undefined : jsonFault(memo ?? null);
  if (fault) return `its memo is not JSON at ${fault.path}: ${fault.detail}`;
  for (const addition of add) {
    const detail = additionFault(core, goal, { addition, isOwn });
    if (detail !== undefined) return detail;
    named.add(`${goalId}/${addition.name}`);
  }
  return undefined;
}

const isAddedTo = ({ steps, graph }: RunCore, goalId: string, id: string): boolean =>
  steps[graph.indexOf.get(id) ?? -1]?.added?.goal === goalId;

interface Checking {
  readonly addition: StepAddition;
  /** Whether a step was added to the goal, or is to be before this one. */
  readonly isOwn: (id: string) => boolean;
}

function additionFault(core: RunCore, goal: Goal, { addition, isOwn }: Checking): string | undefined {
  const { name, template, parent, instructions, title, dependsOn = [], given } = addition;
  const input = [...(addition.input ?? []), ...Object.values(addition.inputAs ?? {})];
  const { id: goalId, input: goalInput } = stepOf(core, goal.index);
  const id = `${goalId}/${name}`;
  const says = (detail: string): string => `the step ${quote(id)} ${detail}`;
  if (typeof name !== 'string' || name === '') return `a step has the name ${quote(name)}`;
  if (isOwn(id)) return says('is there already');
  if (!Object.hasOwn(core.materialized.definition.templates ?? {}, template))
    return says(`is made after ${quote(template)}, which is no template of the plan`);
  if (typeof instructions !== 'string' || typeof title !== 'string') return says('needs instructions and a title');
  if (parent !== goalId && !isOwn(parent)) return says(`has the parent ${quote(parent)}, which is no step of the goal`);
  const awaited = dependsOn.find((other) => !isOwn(other));
  if (awaited !== undefined) return says(`depends on ${quote(awaited)}, which is no step of the goal`);
  const unread = input.find((other) => !goalInput.includes(other) && !isOwn(other));
  if (unread !== undefined) return says(`reads ${quote(unread)}, which is neither an input nor a step of the goal`);
  const fault = jsonFault([given ?? null, addition.reports ?? null, addition.board ?? null]);
  return fault && says(`is given what is not JSON at ${fault.path}: ${fault.detail}`);
}
