import { z } from 'zod';

import type { OrchestrationProposal, Ticket } from '../core/ports/proposal.js';
import type { StepDraft, Topology } from '../core/ports/topology.js';
import { type Issue, pointerOf, quote } from '../core/shared/issue.js';
import { err, ok } from '../core/shared/result.js';

const optionsSchema = z.strictObject({
  stages: z
    .array(z.string())
    .optional()
    .describe('Keys of all tickets, each once, in the order in which they run. Default: the order in which the tickets stand.'),
});

/** Tickets one after another in a fixed order, each given the output of the one before. */
export const pipeline: Topology<z.output<typeof optionsSchema>> = {
  kind: 'pipeline',
  version: '1',
  description: 'Tickets run one after another in a fixed order, each given what the one before it made.',
  options: optionsSchema,
  arrange(proposal, { stages }) {
    const order = stages ?? proposal.tickets.map(({ key }) => key);
    const membership = checkMembership(proposal, order);
    if (membership.length > 0) return err(membership);
    const conflicts = checkOrder(proposal, order);
    return conflicts.length > 0 ? err(conflicts) : ok(chain(proposal, order));
  },
};

/** Every ticket must be a stage, each once, and every stage a ticket. */
function checkMembership({ tickets }: OrchestrationProposal, order: readonly string[]): Issue[] {
  const issues: Issue[] = [];
  const keys = new Set(tickets.map(({ key }) => key));
  const seen = new Set<string>();
  order.forEach((key, index) => {
    const report = (code: string, message: string) =>
      issues.push({ code, pointer: pointerOf(['topology', 'stages', index]), message });
    if (!keys.has(key)) report('unknown-ticket', `The stage ${quote(key)} is no ticket of this proposal.`);
    if (seen.has(key)) report('duplicate-stage', `The ticket ${quote(key)} is a stage twice. Name it once.`);
    seen.add(key);
  });
  for (const key of keys) {
    if (seen.has(key)) continue;
    const message = `The ticket ${quote(key)} is not among the stages. Name every ticket once.`;
    issues.push({ code: 'missing-stage', pointer: '/topology/stages', message });
  }
  return issues;
}

/** A ticket may depend only on tickets of earlier stages. */
function checkOrder({ tickets }: OrchestrationProposal, order: readonly string[]): Issue[] {
  const places = new Map(order.map((key, place) => [key, place]));
  const issues: Issue[] = [];
  tickets.forEach(({ key, dependsOn = [] }, ticket) => {
    dependsOn.forEach((dependency, index) => {
      const before = places.get(dependency);
      if (before === undefined || before < places.get(key)!) return;
      issues.push({
        code: 'stage-order',
        pointer: pointerOf(['tickets', ticket, 'dependsOn', index]),
        message: `The ticket ${quote(key)} depends on ${quote(dependency)}, but its stage comes first. Move the stage of ${quote(dependency)} before it.`,
      });
    });
  });
  return issues;
}

function chain({ tickets }: OrchestrationProposal, order: readonly string[]): StepDraft[] {
  const byKey = new Map(tickets.map((ticket) => [ticket.key, ticket]));
  return order.map((key, place) => {
    const before = order.slice(Math.max(0, place - 1), place);
    return stage(byKey.get(key)!, before);
  });
}

/** The stage before comes on top of what the ticket declares, in what it waits for and in what it reads. */
const stage = ({ key, dependsOn = [], input }: Ticket, before: readonly string[]): StepDraft => ({
  id: key,
  kind: 'ticket',
  dependsOn: [...new Set([...before, ...dependsOn])],
  ...(input !== undefined && { input: [...new Set([...before, ...input.from])] }),
});
