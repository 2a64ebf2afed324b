import fc from 'fast-check';
import { expect, it } from 'vitest';

import { heldAt, limitedArbitrary, setStage, type Stay } from './support/limited.js';

const startsOf = (stays: readonly Stay[], name: string): number[] =>
  stays.flatMap(({ holds, startedAt }) => (holds.has(name) ? [startedAt] : []));
const isAttempt = ({ call }: Stay): boolean => call === undefined;

it('HB-41 HB-42 HB-52 law: no limit is passed at any moment, or in any interval, and every run comes to its end', async () => {
  let [attempts, calls] = [0, 0];
  await fc.assert(
    fc.asyncProperty(limitedArbitrary, async (limited) => {
      const { proposal, concurrency } = limited;
      const { toTheEnd, stays, runs } = await setStage(limited);
      // It throws where a run does not end.
      await toTheEnd(() => undefined);
      attempts += stays.filter(isAttempt).length;
      calls += stays.filter((stay) => !isAttempt(stay)).length;
      for (const [name, limit] of Object.entries(proposal.resources ?? {})) {
        const starts = startsOf(stays, name);
        // The fullest of all windows begins with a start.
        for (const from of starts)
          expect(starts.filter((at) => at >= from && at < from + (limit.intervalMs ?? 0)).length).toBeLessThanOrEqual(
            limit.limit ?? Infinity,
          );
        for (const { startedAt } of stays)
          expect(heldAt(stays, startedAt, ({ holds }) => holds.get(name) ?? 0)).toBeLessThanOrEqual(
            limit.concurrency ?? Infinity,
          );
      }
      for (const { startedAt } of stays) {
        expect(heldAt(stays.filter(isAttempt), startedAt, () => 1)).toBeLessThanOrEqual(concurrency);
        for (const { runId } of runs)
          for (const { key, concurrency: most = Infinity } of proposal.roles) {
            const ofRole = stays.filter((stay) => isAttempt(stay) && stay.runId === runId && stay.role === key);
            expect(heldAt(ofRole, startedAt, () => 1)).toBeLessThanOrEqual(most);
          }
      }
      for (const { steps } of runs.map((run) => run.view()))
        expect(steps.filter(({ waiting, callsWaiting }) => (waiting ?? callsWaiting) && waiting?.for !== 'certainty')).toEqual(
          [],
        );
    }),
    { numRuns: 80 },
  );
  // It was about something.
  expect(Math.min(attempts, calls)).toBeGreaterThan(100);
});

it('HB-41 HB-52 law: whenever nothing stirs, nothing waits whose limits would let it begin', async () => {
  await fc.assert(
    fc.asyncProperty(limitedArbitrary, async (limited) => {
      const { proposal, concurrency } = limited;
      const { toTheEnd, stays, runs, clock } = await setStage(limited);
      await toTheEnd(() => {
        const now = clock.now();
        for (const run of runs)
          for (const { role, waiting: reason } of run.view().steps) {
            if (reason?.for === 'start') expect.fail('It waits for nothing.');
            if (!reason || !('limit' in reason)) continue;
            const atWork = stays.filter((stay) => isAttempt(stay) && stay.endedAt > now);
            const most = proposal.roles.find(({ key }) => key === role)?.concurrency ?? Infinity;
            const isRoleFull = atWork.filter((stay) => stay.runId === run.runId && stay.role === role).length >= most;
            const isResourceFull = Object.entries(proposal.resources ?? {}).some(([name, limit]) => {
              const isTaken = heldAt(stays, now, ({ holds }) => holds.get(name) ?? 0) + 2 > (limit.concurrency ?? Infinity);
              const starts = startsOf(stays, name).filter((at) => at > now - (limit.intervalMs ?? 0)).length;
              return isTaken || starts >= (limit.limit ?? Infinity) || limited.throttles > 0;
            });
            expect(atWork.length >= concurrency || isRoleFull || isResourceFull).toBe(true);
          }
      });
    }),
    { numRuns: 60 },
  );
});
