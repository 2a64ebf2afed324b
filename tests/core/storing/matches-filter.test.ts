import fc from 'fast-check';
import { matchesFilter, type RunFilter, type RunStatus } from 'planwright';
import { expect, it } from 'vitest';

import { summaryOf } from '../../../src/core/testing/store-samples.js';

const status = fc.constantFrom<RunStatus>('proposed', 'executing', 'completed');
const ticket = fc.constantFrom('T-1', 'T-2', '', 'null');
const summary = fc
  .record({ status, parentTicket: fc.option(ticket, { nil: null }), open: fc.boolean() })
  .map((facts) => ({ ...summaryOf({ runId: 'r' }), ...facts }));
const filter: fc.Arbitrary<Pick<RunFilter, 'status' | 'parentTicket' | 'open'>> = fc.record(
  { status: fc.array(status, { maxLength: 2 }), parentTicket: ticket, open: fc.boolean() },
  { requiredKeys: [] },
);

it('holds a run against each part of a filter by itself', () => {
  fc.assert(
    fc.property(summary, filter, (run, wanted) => {
      const parts = Object.entries(wanted).map(([name, value]) => matchesFilter(run, { [name]: value }));
      expect(matchesFilter(run, wanted)).toBe(parts.every(Boolean));
    }),
  );
});

it('finds every run by what it is, and none by what it is not', () => {
  fc.assert(
    fc.property(summary, summary, (run, other) => {
      expect(matchesFilter(run, {})).toBe(true);
      expect(matchesFilter(run, { status: [other.status] })).toBe(run.status === other.status);
      expect(matchesFilter(run, { status: [] })).toBe(false);
      expect(matchesFilter(run, { open: other.open })).toBe(run.open === other.open);
      // `null` is no ticket: nothing asks for runs without one.
      if (other.parentTicket !== null) {
        expect(matchesFilter(run, { parentTicket: other.parentTicket })).toBe(run.parentTicket === other.parentTicket);
      }
    }),
  );
});
