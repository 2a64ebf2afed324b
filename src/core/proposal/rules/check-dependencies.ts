import { createDependencyGraph, findComponents } from '../dependency-graph.js';
import { findCycles } from '../find-cycles.js';
import type { TicketSketch } from '../sketch.js';
import { createHints, labelOf, named } from '../words.js';
import type { Rule, RuleContext } from './rule.js';

/** `unknown-dependency`, `self-dependency`, `duplicate-dependency`, and `dependency-cycle`, which names the members in order. */
export const checkDependencies: Rule = (context) => {
  const hint = createHints(context.sketch.ticketIndex.keys());
  const targets = context.sketch.tickets.map((ticket) => knownTargets(context, { ticket, hint }));
  const graph = createDependencyGraph(targets);
  for (const cycle of findCycles(graph, findComponents(graph))) reportCycle(context, cycle);
};

interface Reading {
  readonly ticket: TicketSketch;
  readonly hint: (name: string) => string;
}

/** What a ticket depends on, each once, itself left out; the rest is reported. */
function knownTargets({ sketch, issues }: RuleContext, { ticket, hint }: Reading): readonly number[] {
  const seen = new Set<string>();
  const targets: number[] = [];
  for (const { name, index } of ticket.dependsOn) {
    const target = sketch.ticketIndex.get(name);
    if (target === undefined || target === ticket.index || name === ticket.key || seen.has(name)) {
      const [code, fault] = faultOf(name, { isKnown: target !== undefined, isSeen: seen.has(name), ticket });
      const path = ['tickets', ticket.index, 'dependsOn', index];
      const help = code === 'unknown-dependency' ? hint : () => '';
      issues.add(code, path, () => `${labelOf('ticket', ticket)} ${fault}${help(name)}`);
    } else targets.push(target);
    seen.add(name);
  }
  return targets;
}

interface Finding {
  readonly isKnown: boolean;
  readonly isSeen: boolean;
  readonly ticket: TicketSketch;
}

function faultOf(name: string, { isKnown, isSeen, ticket }: Finding): readonly [code: string, fault: string] {
  if (isSeen) return ['duplicate-dependency', `depends on ${named(name)} twice; name it once`];
  if (isKnown || name === ticket.key) return ['self-dependency', 'depends on itself; remove that'];
  return ['unknown-dependency', `depends on unknown ${named(name)}`];
}

/** Members that a message names; a longer cycle is told from its first and last. */
const mostMembers = 100;

function reportCycle({ sketch, issues }: RuleContext, cycle: readonly number[]): void {
  const members = cycle.map((index) => sketch.tickets[index]!);
  const [first] = members;
  const second = members[1]?.key;
  if (first === undefined) return;
  const edge = first.dependsOn.find(({ name }) => name === second)?.index ?? 0;
  issues.add('dependency-cycle', ['tickets', first.index, 'dependsOn', edge], () => {
    const names = members.map(arrowName);
    const shown =
      names.length <= mostMembers
        ? names
        : [...names.slice(0, mostMembers - 1), `… (${names.length - mostMembers} more) …`, names.at(-1)!];
    const drawn = [...shown, names[0]].join(' → ');
    return `ticket dependencies contain a cycle: ${drawn} (each depends on the next); remove one of these dependencies`;
  });
}

/** A plain key as it is; one that could be taken for something else in quotes. */
function arrowName({ key, index }: TicketSketch): string {
  if (key === undefined) return `the ticket at index ${index}`;
  return /^[\p{L}\p{N}_.-]+$/u.test(key) ? key : named(key);
}
