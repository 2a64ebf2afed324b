import type { Plan } from '../ports/plan.js';
import { planGraph, type PlanGraphNode } from './plan-graph.js';

/**
 * A plan as a Graphviz digraph, the steps of a wave on one rank. Generated node names; ids, titles and roles stand in labels only.
 *
 * @example
 * writeFileSync('plan.dot', toDot(plan)); // dot -Tsvg plan.dot
 */
export function toDot(plan: Plan): string {
  const { nodes, edges, waves } = planGraph(plan);
  const names = new Map(nodes.map(({ id }, index) => [id, `n${index}`]));
  const nameOf = (id: string): string => names.get(id) ?? '';
  return [
    'digraph plan {',
    '  rankdir=TB;',
    '  node [shape=box, style=rounded, fontname="sans-serif"];',
    ...nodes.map((node) => `  ${nameOf(node.id)} [${attributes(node)}];`),
    ...waves.map((ids) => `  { rank=same; ${ids.map((id) => `${nameOf(id)};`).join(' ')} }`),
    ...edges.map(({ from, to, on }) => `  ${nameOf(from)} -> ${nameOf(to)}${on === 'settled' ? ' [style=dashed]' : ''};`),
    '}',
    '',
  ].join('\n');
}

function attributes({ title, role, isGated }: PlanGraphNode): string {
  const lines = role === undefined ? [title] : [title, role];
  return `label="${lines.map(dotText).join('\\n')}"${isGated ? ', peripheries=2' : ''}`;
}

/** Text inside a quoted Graphviz string: one line, quotes and backslashes escaped. */
const dotText = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .replace(/["\\]/g, (character) => `\\${character}`);
