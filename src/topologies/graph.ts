import { z } from 'zod';

import type { Topology } from '../core/ports/topology.js';
import { ok } from '../core/shared/result.js';

const optionsSchema = z.strictObject({}).describe('No options: the tickets say what they depend on.');

/** Tickets in the order of their `dependsOn`, whatever does not depend on each other at once. */
export const graph: Topology<z.output<typeof optionsSchema>> = {
  kind: 'graph',
  version: '1',
  description: 'Tickets run as soon as those they depend on have succeeded, independent ones in parallel.',
  options: optionsSchema,
  arrange: ({ tickets }) => ok(tickets.map(({ key }) => ({ id: key, kind: 'ticket' }))),
};
