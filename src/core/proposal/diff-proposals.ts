import type { PolicySpec } from '../ports/policy.js';
import type { OrchestrationProposal, ProposalBudget, Role, ShedPolicy, Ticket } from '../ports/proposal.js';
import { canonicalJson } from '../shared/canonical-json.js';

/** A dependency: ticket `from` waits for ticket `to`. */
export interface DiffEdge {
  readonly from: string;
  readonly to: string;
}

/** An element that both sides have, with the names of the fields that differ, sorted. */
export interface ChangedElement {
  readonly key: string;
  readonly fields: readonly string[];
}

/** What became of a figure of the budget; `null` where a side has none. */
export interface BudgetChange {
  readonly field: string;
  readonly from: number | string | ShedPolicy | null;
  readonly to: number | string | ShedPolicy | null;
}

/** What changed from one proposal to another. Plain JSON in a fixed order: that of the proposals, removed things first to last. */
export interface ProposalDiff {
  /** Whether nothing changed at all; key order and white space of the JSON do not count. */
  readonly isEmpty: boolean;
  readonly goalChanged: boolean;
  readonly tickets: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly ChangedElement[];
    /** Whether the tickets that both sides have stand in another order. */
    readonly reordered: boolean;
  };
  /** Between tickets that both sides have. */
  readonly edges: { readonly added: readonly DiffEdge[]; readonly removed: readonly DiffEdge[] };
  readonly roles: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly ChangedElement[];
    /** Roles that went to another agent or hire. */
    readonly reassigned: readonly { readonly key: string; readonly from: string; readonly to: string }[];
    readonly reordered: boolean;
  };
  readonly budget: readonly BudgetChange[];
  readonly contextChanged: boolean;
  readonly topologyChanged: boolean;
  readonly researchChanged: boolean;
  readonly discussionChanged: boolean;
  readonly synthesisChanged: boolean;
  readonly resourcesChanged: boolean;
  /** Their order decides, so a policy that moved is `reordered`. */
  readonly policies: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly ChangedElement[];
    readonly reordered: boolean;
  };
  readonly metadataChanged: boolean;
  /** Keys of all tickets that were added, removed or changed, in the order of these three. */
  readonly touchedKeys: readonly string[];
}

/** Says what changed from one sound proposal to another. Equal proposals give an empty diff; swapped ones the mirror image. */
export function diffProposals(before: OrchestrationProposal, after: OrchestrationProposal): ProposalDiff {
  const tickets = diffElements(before.tickets, after.tickets);
  const roles = diffElements(before.roles, after.roles);
  const differs = (field: keyof OrchestrationProposal) => !same(before[field], after[field]);
  const diff = {
    goalChanged: differs('goal'),
    tickets,
    edges: diffEdges(before.tickets, after.tickets),
    roles: { ...roles, reassigned: diffAgents(before.roles, after.roles) },
    budget: diffBudgets(before.budget ?? {}, after.budget ?? {}),
    contextChanged: differs('context'),
    topologyChanged: differs('topology'),
    researchChanged: differs('research'),
    discussionChanged: differs('discussion'),
    synthesisChanged: differs('synthesis'),
    resourcesChanged: differs('resources'),
    policies: diffElements(before.policies ?? [], after.policies ?? []),
    metadataChanged: differs('metadata'),
  };
  const touchedKeys = [...tickets.added, ...tickets.removed, ...tickets.changed.map(({ key }) => key)];
  // A budget that is given but empty is the same budget in other words, and is the one change that no field shows.
  const { budget: _before, ...restBefore } = before;
  const { budget: _after, ...restAfter } = after;
  return { isEmpty: diff.budget.length === 0 && same(restBefore, restAfter), ...diff, touchedKeys };
}

const same = (a: unknown, b: unknown): boolean =>
  a === b || (a !== undefined && b !== undefined && canonicalJson(a) === canonicalJson(b));

type Keyed = Ticket | Role | PolicySpec;

function diffElements(before: readonly Keyed[], after: readonly Keyed[]) {
  const old = new Map(before.map((element) => [element.key, element]));
  const kept = new Set<string>();
  const added: string[] = [];
  const changed: ChangedElement[] = [];
  for (const element of after) {
    const previous = old.get(element.key);
    if (previous === undefined) {
      added.push(element.key);
      continue;
    }
    kept.add(element.key);
    const fields = changedFields(previous, element);
    if (fields.length > 0) changed.push({ key: element.key, fields });
  }
  const removed = before.filter(({ key }) => !kept.has(key)).map(({ key }) => key);
  const survivors = before.filter(({ key }) => kept.has(key));
  const reordered = [...kept].some((key, place) => survivors[place]?.key !== key);
  return { added, removed, changed, reordered };
}

function changedFields(before: Keyed, after: Keyed): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const fieldOf = (element: Keyed, name: string): unknown =>
    Object.hasOwn(element, name) ? element[name as keyof Keyed] : undefined;
  return [...names].filter((name) => !same(fieldOf(before, name), fieldOf(after, name))).sort();
}

function diffEdges(before: readonly Ticket[], after: readonly Ticket[]): ProposalDiff['edges'] {
  const beforeEdges = new Map(before.map(({ key, dependsOn = [] }) => [key, new Set(dependsOn)]));
  const afterEdges = new Map(after.map(({ key, dependsOn = [] }) => [key, new Set(dependsOn)]));
  const survives = (key: string) => beforeEdges.has(key) && afterEdges.has(key);
  const onlyIn = (tickets: readonly Ticket[], others: ReadonlyMap<string, ReadonlySet<string>>): DiffEdge[] =>
    tickets
      .filter(({ key }) => survives(key))
      .flatMap(({ key, dependsOn = [] }) =>
        dependsOn.filter((to) => survives(to) && others.get(key)?.has(to) !== true).map((to) => ({ from: key, to })),
      );
  return { added: onlyIn(after, beforeEdges), removed: onlyIn(before, afterEdges) };
}

const agentOf = (role: Role): string => (role.kind === 'existing' ? `existing ${role.agentId}` : `hire ${role.hire.name}`);

function diffAgents(before: readonly Role[], after: readonly Role[]): ProposalDiff['roles']['reassigned'] {
  const old = new Map(before.map((role) => [role.key, role]));
  return after.flatMap((role) => {
    const previous = old.get(role.key);
    if (previous === undefined || agentOf(previous) === agentOf(role)) return [];
    return [{ key: role.key, from: agentOf(previous), to: agentOf(role) }];
  });
}

function diffBudgets(before: ProposalBudget, after: ProposalBudget): readonly BudgetChange[] {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort() as (keyof ProposalBudget)[];
  return fields
    .filter((field) => !same(before[field], after[field]))
    .map((field) => ({ field, from: before[field] ?? null, to: after[field] ?? null }));
}
