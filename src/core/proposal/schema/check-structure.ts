import type { z } from 'zod';

import type { IssueList } from '../issue-list.js';
import { asObject, asText } from '../loose.js';
import { labelOf } from '../words.js';
import { proposalSchema } from './proposal-schema.js';
import { roleFieldsSchema } from './role-schema.js';
import { structuralFaults } from './structural-fault.js';
import { ticketSchema } from './ticket-schema.js';

/** Elements that are looked at however many there are: the limits have refused the rest by then. */
const mostChecked = 100_000;

/** A place that another issue speaks of already, as JSON of its path. */
export type RefusedPlaces = ReadonlySet<string>;

/**
 * Reports every structural fault of a proposal: missing and unknown keys, wrong types, values out of range. Roles and tickets are
 * checked one at a time, so that the faults of many never stand in memory together.
 */
export function checkStructure(
  proposal: unknown,
  context: { readonly issues: IssueList; readonly refused: RefusedPlaces },
): void {
  const { roles, tickets } = asObject(proposal);
  check(withoutElements(proposal, { roles, tickets }), { schema: proposalSchema, path: [], label: () => '', ...context });
  checkElements(roles, { kind: 'role', schema: roleFieldsSchema, ...context });
  checkElements(tickets, { kind: 'ticket', schema: ticketSchema, ...context });
}

interface Check {
  readonly schema: z.ZodType;
  readonly path: readonly PropertyKey[];
  readonly label: () => string;
  readonly issues: IssueList;
  readonly refused: RefusedPlaces;
}

function withoutElements(proposal: unknown, { roles, tickets }: { readonly roles: unknown; readonly tickets: unknown }): unknown {
  if (!Array.isArray(roles) && !Array.isArray(tickets)) return proposal;
  return {
    ...asObject(proposal),
    ...(Array.isArray(roles) && { roles: [] }),
    ...(Array.isArray(tickets) && { tickets: [] }),
  };
}

function checkElements(
  elements: unknown,
  { kind, ...context }: Omit<Check, 'path' | 'label'> & { readonly kind: 'role' | 'ticket' },
): void {
  if (!Array.isArray(elements)) return;
  elements.slice(0, mostChecked).forEach((element: unknown, index) => {
    const label = () => labelOf(kind, { key: asText(asObject(element)['key']), index });
    check(element, { ...context, label, path: [`${kind}s`, index] });
  });
}

function check(value: unknown, { schema, path, label, issues, refused }: Check): void {
  const parsed = schema.safeParse(value);
  if (parsed.success) return;
  const checked = { value, schema, label: label() };
  for (const issue of parsed.error.issues) {
    if (issues.isFull) {
      issues.skip(issue.code === 'unrecognized_keys' ? issue.keys.length : 1);
      continue;
    }
    for (const fault of structuralFaults(issue, checked)) {
      const place = [...path, ...fault.path];
      if (!isRefused(place, refused)) issues.add(fault.code, place, fault.message);
    }
  }
}

/** Whether the scan of the input refused what stands there, so that `null` stands there instead. */
const isRefused = (place: readonly PropertyKey[], refused: RefusedPlaces): boolean =>
  refused.size > 0 && refused.has(JSON.stringify(place));
