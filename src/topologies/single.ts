import { z } from 'zod';

import type { Topology } from '../core/ports/topology.js';
import { err, ok } from '../core/shared/result.js';

const optionsSchema = z.strictObject({}).describe('No options.');

/** One ticket, done by one agent. */
export const single: Topology<z.output<typeof optionsSchema>> = {
  kind: 'single',
  version: '1',
  description: 'One ticket, done by one agent: for work that needs no division.',
  options: optionsSchema,
  arrange({ tickets }) {
    const [ticket] = tickets;
    if (ticket !== undefined && tickets.length === 1) return ok([{ id: ticket.key, kind: 'ticket' }]);
    const message = `The topology "single" takes exactly one ticket, not ${tickets.length}. Use "pipeline" or "graph" for more.`;
    return err([{ code: 'not-single', pointer: '/tickets', message }]);
  },
};
