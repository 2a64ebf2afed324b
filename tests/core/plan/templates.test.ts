import fc from 'fast-check';
import { planProposal, type Plan, type Topology } from 'planwright';
import { network, supervisorWorker } from 'planwright/topologies';
import { describe, expect, it } from 'vitest';

import { checkGrowth } from '../../../src/core/plan/check-growth.js';
import { checkTemplates, stepTemplates } from '../../../src/core/plan/templates.js';
import { proposalArbitrary } from '../../../src/core/testing/proposal-arbitrary.js';
import { role, supervised } from '../../running/support/team.js';
import { ticket } from '../../running/support/world.js';

type Arranged = Parameters<typeof checkTemplates>[1];
const source = { roles: [role('lead'), role('coder')], tickets: [ticket('goal', { role: 'lead' })] };
const arrangement: Arranged = {
  steps: [{ id: 'goal', kind: 'ticket', expands: 'topology' }],
  templates: { decision: { kind: 'route', role: 'lead', decides: true } },
  settings: {},
  team: ['coder'],
  bounds: { steps: 1, decisions: 1, delegations: 0, handoffs: 0, parallel: 0, depth: 0 },
};
const issues = (parts: Partial<Arranged>): readonly string[] => {
  const given = { ...arrangement, ...parts };
  return [...checkTemplates(source, given), ...checkGrowth(source, given)].map(({ code }) => code);
};

describe('what a topology says may be added', () => {
  it.each<readonly [string, Arranged['templates'][string], string | undefined]>([
    ['fine', { kind: 'delegation', role: 'coder', ticket: 'goal' }, undefined],
    ['fine without a role', { kind: 'reduce', reducer: 'collect' } as never, undefined],
    ['a gate', { kind: 'gate', role: 'lead' }, 'foreign-kind'],
    ['a synthesis', { kind: 'synthesis', role: 'lead' }, 'foreign-kind'],
    ['without a role', { kind: 'route' } as never, 'missing-role'],
    ['of a role that nobody declared', { kind: 'route', role: 'Lead' }, 'unknown-role'],
    ['after a ticket that there is not', { kind: 'route', role: 'lead', ticket: 'Goal' }, 'unknown-ticket'],
  ])('a template: %s', (_, template, code) => {
    expect(issues({ templates: { t: template } })).toEqual(code === undefined ? [] : [code]);
  });

  it('the names of templates that verify are not to be had', () => {
    for (const name of ['work ["goal"]', 'verification ['])
      expect(issues({ templates: { [name]: { kind: 'route', role: 'lead' } } })).toEqual(['reserved-template']);
    expect(issues({ templates: { 'work of goal': { kind: 'route', role: 'lead' } } })).toEqual([]);
  });

  it('no other step is called as those that are added to a goal', () => {
    const also = (id: string) => issues({ steps: [...arrangement.steps, { id, kind: 'ticket' }] });
    expect([also('goal/1'), also('goal/1/2'), also('goal'), also('goals/1'), also('1/goal')]).toEqual([
      ['reserved-key'],
      ['reserved-key'],
      [],
      [],
      [],
    ]);
  });

  it('law: every bound is a whole number from 0 on, or there is no plan', () => {
    const names = fc.constantFrom('steps', 'decisions', 'delegations', 'handoffs', 'parallel', 'depth');
    const values = fc.oneof(fc.nat(), fc.constantFrom<unknown>(Infinity, NaN, -1, 0.5, '3', null, undefined, 2 ** 53));
    fc.assert(
      fc.property(names, values, (name, value) => {
        const isFine = Number.isSafeInteger(value) && (value as number) >= 0;
        expect(issues({ bounds: { ...arrangement.bounds, [name]: value } })).toEqual(isFine ? [] : ['invalid-bound']);
      }),
    );
    expect(issues({ bounds: undefined as never })).toHaveLength(6);
  });

  it('HB-50 a topology of somebody else cannot leave a bound out', () => {
    const loose: Topology = {
      ...(supervisorWorker as Topology),
      arrange: (proposal, options) => {
        const arranged = supervisorWorker.arrange(proposal, options as never);
        if (!arranged.ok || !('steps' in arranged.value)) return arranged;
        return { ok: true, value: { ...arranged.value, bounds: { ...arranged.value.bounds, depth: undefined as never } } };
      },
    };
    const planned = planProposal(supervised(['coder']), { topologies: [loose] });
    expect(planned.ok ? [] : planned.error).toMatchObject([{ code: 'invalid-bound', pointer: '/topology' }]);
    expect(planned.ok ? '' : planned.error[0]!.message).toContain('depth by undefined');
  });

  it('the team is of roles that were declared', () => {
    expect(issues({ team: ['coder', 'Coder'] })).toEqual(['unknown-role']);
  });
});

describe('stepTemplates', () => {
  it('takes from a ticket how it is carried out, and the rest from nowhere', () => {
    const goal = ticket('goal', {
      ...({ effect: 'once', priority: 'high', timeoutMs: 5, onFailure: 'fail-run', budget: { maxCostUsd: 1 } } as const),
      ...{ totalTimeoutMs: 50, heartbeatTimeoutMs: 2 },
      retry: { attempts: 3 },
      resources: ['search'],
      outputSchema: { type: 'object' },
      gate: { kind: 'before', prompt: '?' },
    });
    const made = stepTemplates(
      { own: { kind: 'delegation', role: 'coder', ticket: 'goal' }, free: { kind: 'delegation', role: 'coder' } },
      { ...source, tickets: [goal] },
    );
    expect(made['own']).toEqual({
      ...{
        kind: 'delegation',
        role: 'coder',
        phase: 'work',
        effect: 'once',
        priority: 'high',
        timeoutMs: 5,
        totalTimeoutMs: 50,
        heartbeatTimeoutMs: 2,
        onFailure: 'continue',
      },
      retry: { attempts: 3, backoffMs: 1_000, factor: 2, maxBackoffMs: 30_000, jitter: 0 },
      resources: [{ name: 'search', amount: 1 }],
    });
    expect(made['free']).toMatchObject({ effect: 'none', priority: 'normal', retry: { attempts: 1 }, resources: [] });
  });

  it('law: the templates of a plan hang on nothing but the proposal', () => {
    const proposals = proposalArbitrary({ topologies: ['supervisor-worker', 'network'], maxTickets: 4 });
    fc.assert(
      fc.property(proposals, (proposal) => {
        const plan = (): Plan => {
          const planned = planProposal(proposal, { topologies: [supervisorWorker, network] });
          if (!planned.ok) throw new Error(JSON.stringify(planned.error));
          return planned.value;
        };
        const { templates = {}, roles } = plan();
        expect(plan().templates).toEqual(templates);
        expect(Object.keys(templates)).toEqual(Object.keys(templates).sort());
        const keys = new Set(roles.map(({ key }) => key));
        for (const { role: key, phase } of Object.values(templates)) expect([keys.has(key!), phase]).toEqual([true, 'work']);
      }),
      { numRuns: 40 },
    );
  });
});
