import { placeholdersOf } from '../../shared/placeholder.js';
import { createDependencyGraph, findComponents } from '../dependency-graph.js';
import { findUnreachable } from '../find-unreachable.js';
import { asObject, asText } from '../loose.js';
import type { ProposalSketch, Reference, TicketSketch } from '../sketch.js';
import { createHints, labelOf, listed, named } from '../words.js';
import { arrangedView, declaredView, type InputNode } from './input-view.js';
import type { Rule, RuleContext } from './rule.js';

/**
 * What tickets read lies upstream (`input-not-upstream`), and what instructions name is among the inputs (`unknown-placeholder`).
 * Where the declared dependencies leave doubts, the topology is asked for those that it adds. Must run after the other rules.
 */
export const checkInputs: Rule = (context) => {
  let faults = inputFaults(declaredView(context), context.sketch);
  if (faults.length > 0) {
    const arranged = arrangedView(context);
    if (arranged !== undefined) faults = inputFaults(arranged, context.sketch);
  }
  for (const { code, path, message } of faults) context.issues.add(code, path, message);
  checkPhases(context);
};

interface InputFault {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly message: () => string;
}

/** The phases before the work that this proposal has. */
const phasesOf = ({ hasResearch, hasDiscussion }: ProposalSketch): readonly string[] => [
  ...(hasResearch ? ['research'] : []),
  ...(hasDiscussion ? ['discussion'] : []),
];

function inputFaults(nodes: readonly InputNode[], sketch: ProposalSketch): readonly InputFault[] {
  const phases = new Set(phasesOf(sketch));
  const placeholders = nodes.flatMap((node) => placeholderFaults(node, phases));
  return [...upstreamFaults(nodes, phases), ...placeholders];
}

interface Question {
  readonly from: number;
  readonly target: number;
  readonly ticket: TicketSketch;
  readonly reference: Reference;
}

function upstreamFaults(nodes: readonly InputNode[], phases: ReadonlySet<string>): readonly InputFault[] {
  const indexOf = new Map<string, number>();
  nodes.forEach(({ id }, index) => {
    if (id !== undefined && !indexOf.has(id)) indexOf.set(id, index);
  });
  const hint = createHints([...indexOf.keys(), ...phases]);
  const faults: InputFault[] = [];
  const questions: Question[] = [];
  nodes.forEach(({ inputFrom, dependsOn, ticket }, from) => {
    if (inputFrom === undefined || ticket === undefined) return;
    const direct = new Set(dependsOn);
    for (const reference of inputFrom) {
      const { name } = reference;
      const target = indexOf.get(name);
      // A ticket's own key in `dependsOn` is reported as such; it is no input for all that.
      if (phases.has(name) || (direct.has(name) && name !== ticket.key)) continue;
      if (target === undefined) faults.push(notUpstream({ ticket, reference }, () => `${absence(name)}${hint(name)}`));
      else questions.push({ from, target, ticket, reference });
    }
  });
  if (questions.length === 0) return faults;
  const graph = createDependencyGraph(nodes.map((node) => targetsOf(node, indexOf)));
  const components = findComponents(graph);
  for (const question of findUnreachable(questions, { graph, components })) {
    faults.push(notUpstream(question, () => 'is not upstream of it; depend on it first'));
  }
  return faults;
}

const targetsOf = ({ dependsOn }: InputNode, indexOf: ReadonlyMap<string, number>): readonly number[] =>
  dependsOn.map((name) => indexOf.get(name)).filter((target) => target !== undefined);

const absence = (name: string): string =>
  name === 'research' || name === 'discussion' ? `is not part of this proposal` : 'is no ticket of this proposal';

const notUpstream = (
  { ticket, reference }: { readonly ticket: TicketSketch; readonly reference: Reference },
  why: () => string,
): InputFault => ({
  code: 'input-not-upstream',
  path: ['tickets', ticket.index, 'input', 'from', reference.index],
  message: () => `${labelOf('ticket', ticket)} reads ${named(reference.name)}, which ${why()}`,
});

function placeholderFaults({ dependsOn, inputFrom, ticket }: InputNode, phases: ReadonlySet<string>): readonly InputFault[] {
  if (ticket === undefined) return [];
  const mentioned = placeholdersOf(asText(ticket.fields['instructions']) ?? '');
  if (mentioned.length === 0) return [];
  const inputs = inputFrom === undefined ? [...dependsOn, ...phases] : inputFrom.map(({ name }) => name);
  return unknownPlaceholders(mentioned, {
    inputs,
    label: () => labelOf('ticket', ticket),
    path: ['tickets', ticket.index, 'instructions'],
  });
}

interface Reader {
  readonly inputs: readonly string[];
  readonly label: () => string;
  readonly path: readonly PropertyKey[];
}

function unknownPlaceholders(mentioned: readonly string[], { inputs, label, path }: Reader): readonly InputFault[] {
  const known = new Set(inputs);
  return mentioned
    .filter((id) => !known.has(id))
    .map((id) => ({
      code: 'unknown-placeholder',
      path,
      message: () => {
        const choice = inputs.length === 0 ? 'it has no inputs' : `its inputs are ${listed([...known])}`;
        return `${label()} instructions name {{input.${id}}}, which is none of its inputs; ${choice}`;
      },
    }));
}

/** Research reads nothing, positions the research, synthesis everything and the gaps. */
function checkPhases({ sketch, issues }: RuleContext): void {
  const everything = () => [...sketch.ticketIndex.keys(), ...phasesOf(sketch), 'gaps'];
  const readers: readonly (readonly [phase: string, inputs: () => readonly string[]])[] = [
    ['research', () => []],
    ['discussion', () => (sketch.hasResearch ? ['research'] : [])],
    ['synthesis', everything],
  ];
  for (const [phase, inputs] of readers) {
    const mentioned = placeholdersOf(asText(asObject(sketch.fields[phase])['instructions']) ?? '');
    if (mentioned.length === 0) continue;
    const reader = { inputs: inputs(), label: () => phase, path: [phase, 'instructions'] };
    for (const { code, path, message } of unknownPlaceholders(mentioned, reader)) issues.add(code, path, message);
  }
}
