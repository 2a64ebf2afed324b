import {
  analyzePlan,
  canonicalJson,
  describeProposal,
  diffProposals,
  parseProposal,
  planProposal,
  proposalJsonSchema,
  toMermaid,
} from 'planwright';
import { describe, expect, it } from 'vitest';

import { compileJsonSchema } from '../../src/core/schema/json-schema.js';
import { accepted } from '../core/proposal/support/base-proposal.js';
import { ticket, tickets } from '../running/support/world.js';
import { reducedSynthesis, reduceTicket } from './support/joined.js';

const issuesOf = (input: unknown, reducers?: readonly string[]) => {
  const parsed = parseProposal(input, { reducers });
  return parsed.ok ? [] : parsed.error.map(({ code, pointer }) => `${code} ${pointer}`);
};
const planOf = (input: unknown) => {
  const planned = planProposal(accepted(parseProposal(input)));
  if (!planned.ok) throw new TypeError(JSON.stringify(planned.error));
  return planned.value;
};
const errorsOf = (input: unknown) =>
  analyzePlan(planOf(input)).flatMap(({ code, severity, stepIds }) =>
    severity === 'error' ? [`${code}: ${stepIds.join()}`] : [],
  );

describe('a proposal', () => {
  it('has a role and instructions, or a reducer, in every ticket and in the synthesis', () => {
    expect(issuesOf(tickets(['a', reduceTicket('b', 'merge', { dependsOn: ['a'] })]))).toEqual([]);
    expect(issuesOf(tickets(['a'], { synthesis: reducedSynthesis('first') }))).toEqual([]);
    expect(issuesOf(tickets([{ key: 'a', title: 'A' }]))).toEqual(['missing /tickets/0/role', 'missing /tickets/0/instructions']);
    expect(issuesOf(tickets(['a'], { synthesis: { outputSchema: true } }))).toEqual([
      'missing /synthesis/role',
      'missing /synthesis/instructions',
    ]);
    expect(issuesOf({ ...tickets(['a']), tickets: [null] })).toEqual(['wrong-type /tickets/0']);
  });

  it('names nothing beside a reducer that only an agent would go by', () => {
    const both = ticket('a', {
      reducer: 'merge',
      effect: 'once',
      compensation: { role: 'worker', instructions: 'Undo.' },
      retry: { attempts: 2 },
      verify: { role: 'worker', instructions: 'Look.' },
    });
    expect(issuesOf(tickets([both]))).toEqual(
      ['role', 'instructions', 'effect', 'compensation', 'retry', 'verify'].map(
        (field) => `not-with-reducer /tickets/0/${field}`,
      ),
    );
  });

  it('CX-19 names a reducer that there is; of those of one’s own, one that is known', () => {
    const naming = (reducer: string) => tickets(['a', reduceTicket('b', reducer, { dependsOn: ['a'] })]);
    for (const unknown of ['constructor', 'Merge', 'custom:', 'lastWrite']) {
      expect(issuesOf(naming(unknown))).toEqual(['unknown-reducer /tickets/1/reducer']);
    }
    const parsed = parseProposal(naming('merg'));
    expect(parsed.ok ? '' : parsed.error[0]?.message).toContain('did you mean "merge"?');
    expect(issuesOf(naming('custom:mine'))).toEqual([]);
    expect(issuesOf(naming('custom:mine'), ['mine'])).toEqual([]);
    expect(issuesOf(naming('custom:mine'), ['yours'])).toEqual(['unknown-reducer /tickets/1/reducer']);
    expect(issuesOf(tickets(['a'], { synthesis: reducedSynthesis('last') }))).toEqual(['unknown-reducer /synthesis/reducer']);
  });

  it('is the same for planners, in plans, descriptions, diffs and drawings', () => {
    const before = tickets(['a', 'b', reduceTicket('c', 'merge', { dependsOn: ['b', 'a'] })]);
    const after = tickets(['a', 'b', reduceTicket('c', 'majority', { dependsOn: ['b', 'a'] })]);
    const schema = compileJsonSchema(proposalJsonSchema());
    const faults = (value: unknown) => (schema.ok ? schema.value.validate(value).length : -1);
    expect([faults(before), faults(tickets([{ key: 'a', title: 'A' }]))]).toEqual([0, expect.not.closeTo(0)]);
    const step = planOf(before).steps.find(({ id }) => id === 'c');
    expect(step).toMatchObject({ kind: 'ticket', reducer: 'merge', join: 'all-settled', input: ['a', 'b'], effect: 'none' });
    expect(step).not.toHaveProperty('role');
    expect(planOf(before).digest).not.toBe(planOf(after).digest);
    expect(describeProposal(accepted(parseProposal(before))).tickets[2]).toMatchObject({
      role: null,
      reducer: 'merge',
      effect: 'none',
    });
    const diff = diffProposals(accepted(parseProposal(before)), accepted(parseProposal(after)));
    expect(diff.tickets.changed).toEqual([{ key: 'c', fields: ['reducer'] }]);
    expect(toMermaid(planOf(before))).toContain('{{"c"}}');
  });

  it('leaves the plan of one without reducers as it was', () => {
    expect(canonicalJson(planOf(tickets(['a', 'b'])))).not.toMatch(/"reducer"|"writes"/);
    // That of the version before there were any.
    expect(planOf(tickets(['a', 'b'])).digest).toBe('b7a2b41dbeeb500581b5301ad6d3331e60b35ddb80af2ffacfd19e915ab6a8a0');
  });
});

describe('analysis', () => {
  it('finds a ticket that joins nothing', () => {
    expect(errorsOf(tickets(['a', reduceTicket('b', 'merge')]))).toEqual(['reduce-of-nothing: b']);
  });

  const writing = (key: string, parts = {}) => ticket(key, { writes: 'price', ...parts });

  it('HB-38 finds two writers to one value without a reducer, and none with one', () => {
    expect(errorsOf(tickets([writing('a'), writing('b'), 'c']))).toEqual(['two-writers: a,b']);
    expect(errorsOf(tickets([writing('a'), 'b']))).toEqual([]);
    expect(errorsOf(tickets([writing('a'), writing('b'), reduceTicket('c', 'merge', { dependsOn: ['a', 'b'] })]))).toEqual([]);
    expect(errorsOf(tickets([writing('a'), writing('b')], { synthesis: reducedSynthesis('majority') }))).toEqual([]);
  });

  it('HB-38 lets one writer build on what another wrote', () => {
    expect(errorsOf(tickets([writing('a'), writing('b', { dependsOn: ['a'] })]))).toEqual([]);
    const unread = writing('b', { dependsOn: ['a'], input: { from: [] } });
    expect(errorsOf(tickets([writing('a'), unread]))).toEqual(['two-writers: a,b']);
  });

  it('HB-38 counts a reducer as a writer of what it joins, and misses nobody whom it leaves out', () => {
    const join = reduceTicket('d', 'merge', { dependsOn: ['a', 'b'] });
    expect(errorsOf(tickets([writing('a'), writing('b'), writing('c'), join]))).toEqual(['two-writers: c,d']);
    const all = [writing('a'), writing('b'), writing('c'), join, reduceTicket('e', 'first', { dependsOn: ['c', 'd'] })];
    expect(errorsOf(tickets(all))).toEqual([]);
  });
});
