import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { describe, expect, it } from 'vitest';

import { root } from '../architecture/support/source-files.js';

const execute = promisify(execFile);

/** What an example prints, line by line, without what stands around a line. */
async function play(name: string): Promise<readonly string[]> {
  const args = ['--import', 'tsx', `examples/${name}/main.ts`];
  const { stdout, stderr } = await execute(process.execPath, args, { cwd: root, timeout: 50_000 });
  expect(stderr).toBe('');
  return stdout.split('\n').map((line) => line.trim());
}

/** Expects lines in this order, others between them. Each is found by its beginning. */
function expectInOrder(lines: readonly string[], beginnings: readonly string[]): void {
  let from = 0;
  for (const beginning of beginnings) {
    const at = lines.findIndex((line, index) => index >= from && line.startsWith(beginning));
    expect(at, `"${beginning}" after line ${from} of:\n${lines.join('\n')}`).toBeGreaterThanOrEqual(0);
    from = at + 1;
  }
}

describe('HB-20 HB-22 the review loop', () => {
  it('has code done again until the reviewer and the tester are content, and releases only what is verified', async () => {
    const lines = await play('review-loop');
    expectInOrder(lines, [
      'Goal: Ship the CSV export. Approved with at most 58 steps, 14 delegations among them.',
      '0:00  lead      decides, in round 1 of 8',
      '-> coder: Write the CSV export.',
      '0:40  coder     export/1.1: here is version 1.',
      '-> reviewer: Review it.',
      '-> tester: Test it.',
      // It hears of the tester while the reviewer is still at it.
      '0:50  tester    export/2.2: failed. A comma in a name breaks its row.',
      '0:50  lead      decides, in round 3 of 8',
      'board: 2 done, 1 in progress reviewer export/2.1',
      'told:  tester export/2.2: A comma in a name breaks its row.',
      '-> waits',
      '1:10  reviewer  export/2.1: passed.',
      '1:10  lead      decides, in round 3 of 8',
      '-> coder: Mend what they found.',
      '1:50  coder     export/4.1: here is version 2.',
      '2:00  tester    export/5.2: passed.',
      '-> finishes',
      '2:26  checker   synthesis/1.check: not verified. It does not name the version.',
      '2:31  writer    synthesis/2: "Exports CSV as of version 2."',
      '2:32  checker   synthesis/2.check: verified.',
      'The run is completed, and its deliverable is verified: "Exports CSV as of version 2."',
      'export/2: delegated 2 of 2 -> export/2.1, export/2.2',
      'export/3: waits for what is under way',
      'export/7: finished',
      'Time:      2:32 hours; the same work one after the other: 2:52',
      'Messages:  12, of which 6 delegations and 6 reports; 7 decisions',
      'export/1 > export/1.1 > export/2 > export/2.1 > export/4 > export/4.1 > export/5 > export/5.1 > export/7 > synthesis/1',
    ]);
    expect(await play('review-loop')).toEqual(lines);
  });
});

describe('HB-21 the support desk', () => {
  it('hands a request on along its list, by contract, until the arbiter has the last word', async () => {
    const lines = await play('support-desk');
    expectInOrder(lines, [
      'Goal: Help the customer. Approved with at most 11 steps, and 3 handoffs.',
      'triage     request/1, given nothing; handoffs left: 3 of 3',
      '-> to billing: "Charged twice, and the router is dead.", with nothing',
      'triage     request/2, given nothing; handoffs left: 3 of 3',
      `told: refused. What "billing" must be given is not in the input: / must have required property 'invoice'.`,
      '-> to billing: "Charged twice, and the router is dead.", with {"invoice":"A-17"}',
      'billing    request/3, given {"invoice":"A-17"}; handoffs left: 2 of 3',
      'tech       request/4, given {"device":"router"}; handoffs left: 1 of 3',
      '-> to billing: "Who pays for a new one?"',
      'manager    request/5',
      'told: tech wanted to hand over to billing. One handoff is left of 3 (maxHandoffs)',
      '-> answers: "A-17 is refunded, and a new router is on its way. We pay."',
      'The run is completed: "A-17 is refunded, and a new router is on its way. We pay."',
      'request/1 triage   refused: CONTRACT_NOT_MET',
      'request/2 triage   handed over to "billing"',
      'request/4 tech     "manager" arbitrates: LAST_HANDOFF',
      '3 times it was given to a peer, the first time included; 2 decisions were refused.',
    ]);
    expect(await play('support-desk')).toEqual(lines);
  });
});

describe('HB-52 HB-44 the shared tool', () => {
  it('is called by two customers in turn, left alone while it is broken, and paid for as agreed', async () => {
    const lines = await play('shared-tool');
    expectInOrder(lines, [
      '2.1 s  large: topic-1 is done',
      '3.1 s  small: topic-1 is done',
      '4.1 s  small: topic-2 is done',
      '4.1 s  the breaker of search is open',
      '6.1 s  the breaker of search is half-open',
      '6.2 s  the breaker of search is open',
      '8.2 s  the breaker of search is half-open',
      '8.3 s  the breaker of search is closed',
      '13.4 s  large: 1.2 of the 1.5 USD of acme are spent',
      '15.3 s  large: paused. The budget of tenant "acme" is used up: $1.5 of $1.5 (maxCostUsd) are spent.',
      '15.3 s  large: completed, $1.60: report of large, 0 gaps',
      '15.3 s  small: completed, $0.30: report of small, 0 gaps',
      // 17 topics, and the five calls that failed.
      '15.3 s  the service was called 22 times',
    ]);
    expect(await play('shared-tool')).toEqual(lines);
  });
});
