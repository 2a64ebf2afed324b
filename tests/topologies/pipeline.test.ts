import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { hostileKeys } from '../../src/core/testing/key-arbitrary.js';
import { allPhases, issuesOf, planOf, proposal, shuffled, stepsById, ticket } from '../core/plan/support.js';

const pipeline = (stages?: readonly string[]) => ({ topology: { kind: 'pipeline', ...(stages && { stages: [...stages] }) } });

/** Stages, and the same keys in the order in which their tickets are listed. */
const anyStages = fc
  .shuffledSubarray([...hostileKeys], { minLength: 1, maxLength: 20 })
  .chain((stages) => fc.tuple(fc.constant(stages), shuffled(stages)));

describe('pipeline', () => {
  it('HB-19 runs n stages in a total order, each given the output of the one before', () => {
    fc.assert(
      fc.property(anyStages, ([stages, listed]) => {
        const steps = planOf(
          proposal(
            listed.map((key) => ticket(key)),
            pipeline(stages),
          ),
        ).steps.filter(({ kind }) => kind === 'ticket');
        expect(steps.map(({ id }) => id)).toEqual(stages);
        steps.forEach(({ dependsOn, input }, place) => {
          expect(dependsOn).toEqual(stages.slice(Math.max(0, place - 1), place));
          expect(input).toEqual(dependsOn);
        });
      }),
    );
  });

  it('takes the tickets in the order given where no stages are named', () => {
    expect(planOf(proposal([ticket('b'), ticket('a')], pipeline())).steps.map(({ id }) => id)).toEqual(['b', 'a', 'synthesis']);
  });

  it('gives a stage whatever it declares on top of the stage before', () => {
    const tickets = [
      ticket('a'),
      ticket('b'),
      ticket('c', { dependsOn: ['a'] }),
      ticket('d', { input: { from: ['a', 'research'] } }),
    ];
    const steps = stepsById(planOf(proposal(tickets, { ...pipeline(), ...allPhases })));
    expect(steps.get('c')).toMatchObject({ dependsOn: ['a', 'b'], input: ['a', 'b', 'discussion', 'research'] });
    expect(steps.get('d')).toMatchObject({ dependsOn: ['c'], input: ['a', 'c', 'research'] });
  });

  it('refuses stages that are no tickets, stand twice, or leave a ticket out', () => {
    const issues = issuesOf(proposal([ticket('a'), ticket('b')], pipeline(['a', 'x', 'a'])));
    expect(issues.map(({ code, pointer }) => [code, pointer])).toEqual([
      ['unknown-ticket', '/topology/stages/1'],
      ['duplicate-stage', '/topology/stages/2'],
      ['missing-stage', '/topology/stages'],
    ]);
    expect(issues[2]?.message).toContain('"b"');
  });

  it('refuses a dependency on a later stage, naming both', () => {
    const [issue, ...others] = issuesOf(proposal([ticket('a', { dependsOn: ['b'] }), ticket('b')], pipeline(['a', 'b'])));
    expect(issue).toMatchObject({ code: 'stage-order', pointer: '/tickets/0/dependsOn/0' });
    expect(issue?.message).toContain('"a" depends on "b"');
    expect(others).toEqual([]);
  });
});
