import type { z } from 'zod';

import type { IssueList } from '../issue-list.js';
import { asObject, asText } from '../loose.js';
import type { ProposalLimits } from '../proposal-limits.js';
import { labelOf } from '../words.js';
import { proposalSchema } from './proposal-schema.js';
import { roleFieldsSchema } from './role-schema.js';
import { type Checked, structuralFaults } from './structural-fault.js';
import { ticketSchema } from './ticket-schema.js';

/** Elements that are looked at beyond the limit, so that a proposal a little too large still learns its other faults. */
const mostBeyondLimit = 100_000;

/** A place that another issue speaks of already, as JSON of its path. */
export type RefusedPlaces = ReadonlySet<string>;

/**
 * Reports every structural fault of a proposal: missing and unknown keys, wrong types, values out of range. Roles and tickets are
 * checked one at a time, so that the faults of many never stand in memory together.
 */
export function checkStructure(proposal: unknown, context: Context): void {
  const { roles, tickets } = asObject(proposal);
  const value = withoutElements(proposal, { roles, tickets });
  const parsed = proposalSchema.safeParse(value);
  if (!parsed.success) report(parsed.error, { value, schema: proposalSchema, label: '', path: [], ...context });
  checkElements(roles, { kind: 'role', schema: roleFieldsSchema, ...context });
  checkElements(tickets, { kind: 'ticket', schema: ticketSchema, ...context });
}

interface Context {
  readonly limits: ProposalLimits;
  readonly issues: IssueList;
  readonly refused: RefusedPlaces;
}

interface Report extends Context, Checked {
  /** Of what was checked, in the proposal. */
  readonly path: readonly PropertyKey[];
}

function withoutElements(proposal: unknown, { roles, tickets }: { readonly roles: unknown; readonly tickets: unknown }): unknown {
  if (!Array.isArray(roles) && !Array.isArray(tickets)) return proposal;
  return {
    ...asObject(proposal),
    ...(Array.isArray(roles) && { roles: [] }),
    ...(Array.isArray(tickets) && { tickets: [] }),
  };
}

interface Elements extends Context {
  readonly kind: 'role' | 'ticket';
  readonly schema: z.ZodType;
}

function checkElements(elements: unknown, { kind, schema, ...context }: Elements): void {
  if (!Array.isArray(elements)) return;
  const max = kind === 'role' ? context.limits.maxRoles : context.limits.maxTickets;
  const count = Math.min(elements.length, max + mostBeyondLimit);
  for (let index = 0; index < count; index += 1) {
    const element: unknown = elements[index];
    // Most are sound, and there may be ten thousand: what messages need is made for the others only.
    const parsed = schema.safeParse(element);
    if (parsed.success) continue;
    const label = labelOf(kind, { key: asText(asObject(element)['key']), index });
    report(parsed.error, { value: element, schema, label, path: [`${kind}s`, index], ...context });
  }
}

function report(error: z.ZodError, { path, issues, refused, limits: _, ...checked }: Report): void {
  for (const issue of error.issues) {
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
