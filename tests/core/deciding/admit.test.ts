import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { handedInput, receiverFault, titleOf } from '../../../src/core/deciding/admit.js';
import type { Json } from '../../../src/core/shared/json.js';

type State = Parameters<typeof receiverFault>[0];
const state = (parts: Partial<State> = {}): State => ({
  team: [],
  faultsOf: () => [],
  admits: () => true,
  autonomyOf: () => 'act-freely',
  stepOf: () => undefined,
  ...parts,
});
const to = (role: string) => ({ role, task: 'Do it.' });
const receivers = { sender: 'lead', allowed: ['coder', 'Tester'], word: 'worker' };

describe('receiverFault', () => {
  it('DD-46 law: of all names only the allowed ones can be turned to, to the letter', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom('coder', 'Coder', 'coder ', 'tester', 'Tester')), (role) => {
        expect(receiverFault(state(), to(role), receivers) === undefined).toBe(receivers.allowed.includes(role));
      }),
    );
  });

  it('names those that there are, at most 20, and the one that was most likely meant', () => {
    const allowed = Array.from({ length: 30 }, (_, nth) => `worker ${nth}`);
    const fault = receiverFault(state(), to('wroker 7'), { ...receivers, allowed });
    expect(fault).toMatchObject({ code: 'UNKNOWN_ROLE', role: 'wroker 7', known: allowed.slice(0, 20) });
    expect(fault!.message).toContain('Did you mean "worker 7"?');
  });

  it('DX-04 refuses the sender itself, also where it is allowed', () => {
    expect(receiverFault(state(), to('lead'), { ...receivers, allowed: ['lead'] })).toMatchObject({ code: 'SELF_DELEGATION' });
  });

  it('HB-50 asks for room for the agent, those of the same decision beside it', () => {
    const asked: unknown[] = [];
    const admits: State['admits'] = (role, beside = []) => (asked.push([role, ...beside]), false);
    const fault = receiverFault(state({ admits }), to('coder'), { ...receivers, beside: new Set(['Tester']) });
    expect([asked, fault]).toMatchObject([[['coder', 'Tester']], { code: 'TOO_MANY_AGENTS', bound: 'maxAgents' }]);
  });

  it('HB-36 lets an output be handed on only where there is one', () => {
    const stepOf: State['stepOf'] = (id) => (id === 'gone' ? undefined : ({ status: id } as never));
    const fault = (from: readonly string[]) => receiverFault(state({ stepOf }), { ...to('coder'), from }, receivers);
    expect(fault(['succeeded', 'succeeded'])).toBeUndefined();
    for (const id of ['gone', 'running', 'failed', 'cancelled'])
      expect(fault(['succeeded', id])).toMatchObject({ code: 'UNKNOWN_DELEGATION', delegationId: id });
    expect(
      receiverFault(state({ stepOf }), { ...to('coder'), from: ['gone'] }, { ...receivers, hasOutput: () => true }),
    ).toBeUndefined();
  });

  it('HB-12 HB-48 checks what is handed over by the contract of the receiver, and of no other', () => {
    const checked: Json[] = [];
    const faultsOf: State['faultsOf'] = (_, value) => (checked.push(value), ['/draft is missing']);
    const team = [{ role: 'Tester', inputSchema: { type: 'object' } }, { role: 'coder' }];
    const fault = (role: string, input?: Json) =>
      receiverFault(state({ team, faultsOf }), { ...to(role), ...(input !== undefined && { input }) }, receivers);
    expect(fault('coder', { x: 1 })).toBeUndefined();
    expect(fault('Tester', { x: 1 })).toMatchObject({ code: 'CONTRACT_NOT_MET', faults: ['/draft is missing'] });
    expect(fault('Tester')!.message).toContain('/draft is missing');
    expect(checked).toEqual([{ x: 1 }, {}]);
  });
});

describe('handedInput', () => {
  it('law: is an object, and what it was given stands in it', () => {
    fc.assert(
      fc.property(fc.jsonValue() as fc.Arbitrary<Json>, (input) => {
        const handed = handedInput({ ...to('coder'), input });
        const isObject = typeof input === 'object' && input !== null && !Array.isArray(input);
        expect(handed).toEqual(isObject ? input : { input });
      }),
    );
    expect(handedInput(to('coder'))).toBeUndefined();
  });
});

describe('titleOf', () => {
  it('law: is one short line of sound text that begins with the role', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (task) => {
        const title = titleOf({ role: 'coder', task });
        expect(title.startsWith('coder: ')).toBe(true);
        expect(title).not.toContain('\n');
        expect(title.length).toBeLessThanOrEqual('coder: '.length + 60);
        if (task.isWellFormed()) expect(title.isWellFormed()).toBe(true);
      }),
    );
  });
});
