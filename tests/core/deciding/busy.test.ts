import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { busyFault, type BusyPolicy, placeBeside, type RoleTraffic } from '../../../src/core/deciding/busy.js';
import type { AddedStep } from '../../../src/core/ports/topology.js';

const openStep = (id: string, session?: string): AddedStep => ({ id, session }) as AddedStep;

/** Places tasks of one role one after another, and gives what each was told. */
function place(
  count: number,
  { policy, keepsSession }: Pick<RoleTraffic, 'policy' | 'keepsSession'>,
  open: readonly AddedStep[] = [],
) {
  const added: { id: string; session?: string }[] = [];
  return Array.from({ length: count }, (_, nth) => {
    const traffic: RoleTraffic = { role: 'w', policy, keepsSession, open, added };
    const id = `new ${nth}`;
    const fault = busyFault(traffic);
    const beside = fault ? {} : placeBeside(traffic);
    if (!fault) added.push({ id, ...(beside.session !== undefined && { session: beside.session }) });
    return { id, fault, ...beside };
  });
}

const policies = fc.constantFrom<BusyPolicy | null>(null, 'another-instance', 'queue', 'refuse');

describe('a role that is busy', () => {
  it('law: a queue is a line, whatever stands in it already', () => {
    fc.assert(
      fc.property(fc.nat({ max: 4 }), fc.integer({ min: 1, max: 6 }), fc.boolean(), (opened, count, keepsSession) => {
        const open = Array.from({ length: opened }, (_, nth) => openStep(`old ${nth}`));
        const placed = place(count, { policy: 'queue', keepsSession }, open);
        const line = [...open.map(({ id }) => id), ...placed.map(({ id }) => id)];
        placed.forEach(({ dependsOn, session, fault }, nth) => {
          const before = line[opened + nth - 1];
          expect([dependsOn, session, fault]).toEqual([before === undefined ? undefined : [before], undefined, undefined]);
        });
      }),
    );
  });

  it('law: two at once never share the session of a role that keeps one', () => {
    const taken = fc.uniqueArray(fc.option(fc.constantFrom('2', '3', '5'), { nil: undefined }), { maxLength: 4 });
    fc.assert(
      fc.property(taken, fc.integer({ min: 1, max: 6 }), (sessions, count) => {
        const open = sessions.map((session, nth) => openStep(`old ${nth}`, session));
        const placed = place(count, { policy: 'another-instance', keepsSession: true }, open);
        const all = [...sessions, ...placed.map(({ session }) => session)].map((session) => session ?? 'own');
        expect(new Set(all).size).toBe(all.length);
        expect(placed.every(({ dependsOn }) => dependsOn === undefined)).toBe(true);
      }),
    );
  });

  it('law: refuse lets one in, and names it to all others', () => {
    fc.assert(
      fc.property(fc.nat({ max: 3 }), fc.integer({ min: 1, max: 6 }), fc.boolean(), (opened, count, keepsSession) => {
        const open = Array.from({ length: opened }, (_, nth) => openStep(`old ${nth}`));
        const placed = place(count, { policy: 'refuse', keepsSession }, open);
        const holder = opened > 0 ? 'old 0' : 'new 0';
        const refused = placed.filter(({ id }) => id !== holder);
        expect(refused.length).toBe(opened > 0 ? count : count - 1);
        for (const { fault } of refused) expect(fault).toMatchObject({ code: 'BUSY', role: 'w', delegationId: holder });
      }),
    );
  });

  it('DD-25 DD-26 by default stands in line where it keeps its session, and is there once more where it does not', () => {
    expect(place(2, { policy: null, keepsSession: true })[1]).toMatchObject({ dependsOn: ['new 0'] });
    expect(place(2, { policy: null, keepsSession: false })[1]).toEqual({ id: 'new 1', fault: undefined });
  });

  it('law: who is not busy is given its task as it is', () => {
    fc.assert(
      fc.property(policies, fc.boolean(), (policy, keepsSession) => {
        expect(place(1, { policy, keepsSession })).toEqual([{ id: 'new 0', fault: undefined }]);
      }),
    );
  });
});
