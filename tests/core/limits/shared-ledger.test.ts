import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { SharedBudget } from '../../../src/core/limits/shared-account.js';
import type { SharedHold } from '../../../src/core/limits/shared-hold.js';
import { createSharedLedger } from '../../../src/core/limits/shared-ledger.js';

const budget = (tokens: number): SharedBudget => ({
  ceiling: { costMicroUsd: Infinity, tokens },
  warnAt: 0.8,
  onExceeded: 'pause',
});
const spendOf = (tokens: number) => ({ inputTokens: tokens, outputTokens: 0, costMicroUsd: 0, provenance: 'measured' }) as const;
const none = { costMicroUsd: 0, tokens: 0, inexactMicroUsd: 0, inexactTokens: 0 };

/** What may happen to one of a few attempts. */
const move = fc.record({
  attempt: fc.nat({ max: 3 }),
  what: fc.constantFrom('wait', 'take', 'leave', 'begin', 'undo', 'give up', 'settle', 'settle'),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
});

describe('the ledger of shared budgets', () => {
  it('CC-12 law: in whatever order attempts wait, begin, are given up and end, nothing passes a ceiling and nothing stays set aside', () => {
    fc.assert(
      fc.property(fc.nat({ max: 500 }), fc.nat({ max: 500 }), fc.array(move, { maxLength: 60 }), (ofAll, ofTenant, moves) => {
        const ledger = createSharedLedger({
          ...{ budget: budget(ofAll), tenants: [['acme', budget(ofTenant)]], onFreed: () => undefined },
        });
        const purses = ['acme', undefined].map((tenant, nth) =>
          ledger.open({ runId: `${nth}`, tenant, spent: none, onWarning: () => undefined }),
        );
        const accounts = [ledger.account('acme')!, ledger.account(undefined)!];
        interface Attempt {
          readonly hold: SharedHold;
          stage: 'waiting' | 'taken' | 'begun';
          most: number;
        }
        const attempts = new Map<number, Attempt>();
        let spent = 0;
        for (const { attempt: nth, what, share } of moves) {
          const attempt = attempts.get(nth);
          const { hold, stage, most } = attempt ?? { hold: purses[nth % 2]!.hold({}), stage: undefined, most: 0 };
          if (what === 'wait' && !attempt) {
            hold.expect(1);
            attempts.set(nth, { hold, stage: 'waiting', most: 0 });
          } else if (what === 'undo' && !attempt) {
            attempts.set(nth, { hold, stage: 'begun', most: hold.beginAnyhow().tokens! });
          } else if (what === 'take' && stage === 'waiting' && hold.standing() === 'free') {
            hold.take();
            hold.expect(-1);
            attempt!.stage = 'taken';
          } else if (what === 'leave' && stage === 'taken') {
            hold.leave();
            attempts.delete(nth);
          } else if (what === 'begin' && stage === 'taken')
            Object.assign(attempt!, { stage: 'begun', most: hold.begin().tokens! });
          else if (what === 'give up' && stage === 'begun') hold.giveUp();
          else if (what === 'settle' && stage === 'begun') {
            spent += Math.floor(most * share);
            hold.settle(spendOf(Math.floor(most * share)));
            hold.leave();
            attempts.delete(nth);
          }
          for (const { ceiling, reserved, spent: gone } of accounts) {
            expect(gone.tokens + reserved.tokens).toBeLessThanOrEqual(ceiling.tokens);
            expect(reserved.tokens).toBeGreaterThanOrEqual(0);
          }
        }
        for (const { hold, stage } of attempts.values()) {
          if (stage === 'taken') hold.leave();
          if (stage === 'begun') hold.settle(spendOf(0));
          if (stage === 'waiting') hold.expect(-1);
        }
        expect(accounts.map(({ reserved, awaiting }) => [reserved.tokens, awaiting])).toEqual([
          [0, 0],
          [0, 0],
        ]);
        expect(accounts[1]!.spent.tokens).toBe(spent);
        expect(purses[0]!.spent.tokens + purses[1]!.spent.tokens).toBe(spent);
      }),
      { numRuns: 1_000 },
    );
  });

  it('CC-12 counts a run once, whether it was listed before it was driven, or driven again', () => {
    const ledger = createSharedLedger({ budget: budget(1_000), tenants: [], onFreed: () => undefined });
    const spent = (tokens: number) => ({ ...none, tokens });
    ledger.count({ runId: 'a', tenant: undefined, spent: spent(10), isOpen: true });
    ledger.count({ runId: 'b', tenant: undefined, spent: spent(20), isOpen: false });
    const run = { runId: 'a', tenant: undefined, onWarning: () => undefined };
    const first = ledger.open({ ...run, spent: spent(15) });
    expect(ledger.account(undefined)!.spent.tokens).toBe(35);
    first.charge(spent(5));
    // Another process has gone on with it in between.
    ledger.open({ ...run, spent: spent(50) });
    expect(ledger.account(undefined)!.spent.tokens).toBe(70);
  });
});
