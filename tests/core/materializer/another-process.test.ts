import { describe, expect, it } from 'vitest';

import { sha256Hex } from '../../../src/core/shared/digest.js';
import { materialized, planned } from '../../support/materialized.js';
import { digestsOf, sampleProposals } from '../../support/print-digests.js';
import { shuffled } from '../../support/shuffled.js';

// Other versions of Node are compared by scripts/check-node-versions.ts, which has to fetch them.
describe('another process', () => {
  it('CC-19 makes the same definition and digest of equal proposals, whatever the order of their keys', async () => {
    const proposals = sampleProposals();
    const here = proposals.map((proposal) => materialized(planned(proposal)));
    const there = await digestsOf(proposals.map((proposal, turn) => shuffled(proposal, turn)));
    const seen = there.map((line) => line.split(' ').slice(0, 3));
    expect(seen).toEqual(here.map((run) => [run.plan.digest, run.digest, sha256Hex(JSON.stringify(run.definition))]));
  });
});
