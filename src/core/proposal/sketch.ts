import { asList, asObject, asText } from './loose.js';

/** A name that something refers to, and its place in the list it stands in. */
export interface Reference {
  readonly name: string;
  readonly index: number;
}

/** What could be read of a role. */
export interface RoleSketch {
  readonly index: number;
  readonly key: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What could be read of a ticket. */
export interface TicketSketch {
  readonly index: number;
  readonly key: string | undefined;
  readonly dependsOn: readonly Reference[];
  /** Absent when the ticket names no input of its own. */
  readonly inputFrom: readonly Reference[] | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Whatever is well-formed in a proposal, so that rules about how its parts fit together can speak of these parts although others are
 * broken.
 */
export interface ProposalSketch {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly roles: readonly RoleSketch[];
  readonly tickets: readonly TicketSketch[];
  /** Role keys; broken ones too, so that naming such a role is not a second fault. */
  readonly roleKeys: ReadonlySet<string>;
  /** Index of the first ticket with a key. */
  readonly ticketIndex: ReadonlyMap<string, number>;
  /** Whether `roles` is a list at all. */
  readonly hasRoles: boolean;
  readonly hasResearch: boolean;
  readonly hasDiscussion: boolean;
}

/** Reads what can be read of a proposal that is JSON and nothing more. */
export function sketchProposal(proposal: unknown): ProposalSketch {
  const fields = asObject(proposal);
  const roles = asList(fields['roles']).map((role, index): RoleSketch => {
    const roleFields = asObject(role);
    return { index, key: asText(roleFields['key']), fields: roleFields };
  });
  const tickets = asList(fields['tickets']).map(sketchTicket);
  const ticketIndex = new Map<string, number>();
  for (const { key, index } of tickets) if (key !== undefined && !ticketIndex.has(key)) ticketIndex.set(key, index);
  return {
    fields,
    roles,
    tickets,
    roleKeys: new Set(roles.map(({ key }) => key).filter((key) => key !== undefined)),
    ticketIndex,
    hasRoles: Array.isArray(fields['roles']),
    hasResearch: fields['research'] !== undefined,
    hasDiscussion: fields['discussion'] !== undefined,
  };
}

function sketchTicket(ticket: unknown, index: number): TicketSketch {
  const fields = asObject(ticket);
  const from = asObject(fields['input'])['from'];
  return {
    index,
    key: asText(fields['key']),
    dependsOn: references(fields['dependsOn']),
    inputFrom: Array.isArray(from) ? references(from) : undefined,
    fields,
  };
}

function references(list: unknown): readonly Reference[] {
  const found: Reference[] = [];
  asList(list).forEach((name, index) => {
    if (typeof name === 'string') found.push({ name, index });
  });
  return found;
}
