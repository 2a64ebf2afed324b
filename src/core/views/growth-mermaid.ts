import type { ExpansionBounds, Plan, StepKind } from '../ports/plan.js';
import { mermaidText } from './mermaid-text.js';
import type { StepView } from './step-view.js';

/** Draws a box for something with a name of its own. */
export type Draw = (step: {
  readonly id: string;
  readonly kind: StepKind;
  readonly title: string;
  readonly role?: string;
}) => string;

/** Whoever draws it knows the steps of the plan by these names. */
interface Names {
  readonly nameOf: (id: string) => string;
  readonly draw: Draw;
}

/** What may be added to the goals of a plan while its run is under way, and how much of it. */
export function templateLines({ steps, templates = {}, expansion }: Plan, { nameOf, draw }: Names): string[] {
  const goals = steps.filter(({ expands }) => expands !== undefined);
  const drawn = Object.entries(templates)
    .filter(([, { expands }]) => expands === undefined)
    .map(([id, { kind, role }]) => draw({ id, kind, title: titleOf(id), ...(role !== undefined && { role }) }));
  if (goals.length === 0 || drawn.length === 0) return [];
  const boxes = Array.from(new Set(drawn), (box, index) => `    t${index}${box}`);
  const limits = expansion ? `<br/>${mermaidText(`each goal at most ${limitsOf(expansion.bounds)}`)}` : '';
  const arrows = goals.map(({ id }) => `  ${nameOf(id)} -.-> growth`);
  return [`  subgraph growth["Added while it runs${limits}"]`, ...boxes, '  end', ...arrows];
}

/** Templates of one name that differ by what stands in brackets are one to a reader. */
const titleOf = (template: string): string => template.replace(/ \[.*\]$/s, '');

function limitsOf({ decisions, delegations, handoffs, parallel, depth }: ExpansionBounds): string {
  const many = (count: number, what: string): string[] => (count > 0 ? [`${count} ${what}`] : []);
  return [
    ...many(decisions, 'decisions'),
    ...many(delegations, `delegations, ${parallel} at once, ${depth} deep`),
    ...many(handoffs, 'handoffs'),
  ].join(', ');
}

/** The steps that were added to a run: each below its goal, with an arrow from whoever decided on it and from what it waited for. */
export function addedLines(added: readonly StepView[], { nameOf, draw }: Names): string[] {
  const boxes = [...new Set(added.map(({ goal = '' }) => goal))].flatMap((goal, index) => [
    `  subgraph added_${index}["${mermaidText(`Added to ${goal}`)}"]`,
    ...added.flatMap((step) => (step.goal === goal ? [`    ${nameOf(step.id)}${draw(step)}`] : [])),
    '  end',
  ]);
  const arrows = added.flatMap(({ id, parent = '', dependsOn = [] }) => [
    `  ${nameOf(parent)} --> ${nameOf(id)}`,
    ...dependsOn.flatMap((one) => (one === parent ? [] : [`  ${nameOf(one)} -.-> ${nameOf(id)}`])),
  ]);
  return [...boxes, ...arrows];
}
