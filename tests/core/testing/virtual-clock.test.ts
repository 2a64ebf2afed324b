import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createActor, createMachine } from 'xstate';

import { createVirtualClock } from '../../../src/core/testing/virtual-clock.js';
import { VirtualTimeInvalidError, VirtualTimeStalledError } from '../../../src/core/testing/virtual-time-error.js';

const noop = (): undefined => undefined;
const start = Date.UTC(2026, 0, 1);

describe('advance', () => {
  it('fires in order of due time, then of scheduling, never early, and never what was cancelled', () => {
    const timers = fc.array(fc.record({ delayMs: fc.nat(20), isCancelled: fc.boolean() }), { maxLength: 200 });
    fc.assert(
      fc.property(timers, fc.array(fc.nat(8), { minLength: 1 }), (specs, spans) => {
        const clock = createVirtualClock();
        const seen: number[] = [];
        const cancels = specs.map(({ delayMs }, index) =>
          clock.schedule(start + delayMs, () => {
            expect(clock.now()).toBe(start + delayMs);
            seen.push(index);
          }),
        );
        specs.forEach(({ isCancelled }, index) => isCancelled && cancels[index]?.());
        expect(seen).toEqual([]);
        for (const span of spans) clock.advance(span);

        const endMs = spans.reduce((sum, span) => sum + span, 0);
        expect(clock.now()).toBe(start + endMs);
        const due = specs
          .map((spec, index) => ({ ...spec, index }))
          .filter(({ delayMs, isCancelled }) => !isCancelled && delayMs <= endMs)
          .sort((a, b) => a.delayMs - b.delayMs || a.index - b.index);
        expect(seen).toEqual(due.map(({ index }) => index));
        expect(clock.pendingTimers).toBe(specs.filter(({ isCancelled }) => !isCancelled).length - due.length);
      }),
    );
  });

  it('fires what callbacks set within the span, at its own time', () => {
    const clock = createVirtualClock({ startAt: 0 });
    const seen: number[] = [];
    const tick = (): void => {
      seen.push(clock.now());
      clock.setTimeout(tick, 10);
    };
    clock.setTimeout(tick, 10);
    clock.advance(35);
    expect(seen).toEqual([10, 20, 30]);
    expect(clock.now()).toBe(35);
    expect(clock.pendingTimers).toBe(1);
  });

  it('takes a due time that has passed as now, behind what is due now already', () => {
    const clock = createVirtualClock();
    const seen: string[] = [];
    clock.schedule(start, () => seen.push('now'));
    clock.schedule(start - 1_000, () => seen.push('passed'));
    expect(seen).toEqual([]);
    clock.advance(0);
    expect(seen).toEqual(['now', 'passed']);
    expect(clock.now()).toBe(start);
  });

  it('cancels twice, and after firing, without harm', () => {
    const clock = createVirtualClock();
    const cancel = clock.schedule(start + 1, noop);
    const other = clock.schedule(start + 2, noop);
    clock.advance(1);
    cancel();
    cancel();
    expect(clock.pendingTimers).toBe(1);
    clock.clearTimeout(other);
    clock.clearTimeout(other);
    clock.clearTimeout(undefined);
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends in a typed error where a timer sets itself again for ever', () => {
    const clock = createVirtualClock();
    const again = (): void => void clock.setTimeout(again, 0);
    again();
    expect(() => clock.advance(0)).toThrow(expect.objectContaining({ code: 'VIRTUAL_TIME_STALLED', reason: 'timer-limit' }));
  });

  it('refuses times that are no times, and does not turn back', () => {
    const clock = createVirtualClock();
    for (const value of [Number.NaN, Infinity, -1]) expect(() => clock.advance(value)).toThrow(VirtualTimeInvalidError);
    expect(() => clock.schedule(Number.NaN, noop)).toThrow(VirtualTimeInvalidError);
    expect(() => createVirtualClock({ startAt: Infinity })).toThrow(VirtualTimeInvalidError);
    clock.schedule(start + 5, () => clock.advance(10));
    clock.advance(7);
    expect(clock.now()).toBe(start + 15);
  });

  it('keeps 100,000 timers in order, most of them cancelled', () => {
    const clock = createVirtualClock();
    let fired = 0;
    const cancels = Array.from({ length: 100_000 }, (_, index) =>
      clock.schedule(start + ((index * 7_919) % 100_000), () => fired++),
    );
    cancels.forEach((cancel, index) => index % 10 !== 0 && cancel());
    expect(clock.pendingTimers).toBe(10_000);
    clock.advance(100_000);
    expect(fired).toBe(10_000);
  });

  it('is the clock of an XState actor', () => {
    const machine = createMachine({ initial: 'open', states: { open: { after: { 86_400_000: 'expired' } }, expired: {} } });
    const clock = createVirtualClock();
    const actor = createActor(machine, { clock }).start();
    clock.advance(86_399_999);
    expect(actor.getSnapshot().value).toBe('open');
    clock.advance(1);
    expect(actor.getSnapshot().value).toBe('expired');
  });
});

describe('sleep', () => {
  it('resolves at its time and lets promises settle between timers', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const seen: string[] = [];
    const work = async (name: string): Promise<void> => {
      await clock.sleep(10);
      await Promise.resolve();
      seen.push(`${name} at ${clock.now()}`);
      await clock.sleep(5);
      seen.push(`${name} at ${clock.now()}`);
    };
    void work('a');
    void work('b');
    await clock.advanceAsync(15);
    expect(seen).toEqual(['a at 10', 'b at 10', 'a at 15', 'b at 15']);
    await clock.advanceAsync(5);
    expect(clock.now()).toBe(20);
  });

  it('rejects with the reason when aborted, before or meanwhile, and leaves no timer', async () => {
    const clock = createVirtualClock();
    await expect(clock.sleep(10, { signal: AbortSignal.abort('no') })).rejects.toBe('no');
    const controller = new AbortController();
    const sleeping = clock.sleep(10, { signal: controller.signal });
    controller.abort('enough');
    await expect(sleeping).rejects.toBe('enough');
    expect(clock.pendingTimers).toBe(0);
  });
});

type Work = { readonly kind: 'job' | 'due-now' } | { readonly kind: 'sleep'; readonly delayMs: number };

describe('runUntil', () => {
  const steps: fc.Arbitrary<readonly Work[]> = fc.array(
    fc.oneof(
      fc.constantFrom<Work>({ kind: 'job' }, { kind: 'due-now' }),
      fc.record({ kind: fc.constant('sleep' as const), delayMs: fc.integer({ min: 1, max: 50 }) }),
    ),
    { maxLength: 12 },
  );

  it('never moves time while promise jobs or zero-delay timers are left, whatever else is scheduled', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 1, maxLength: 6 }), async (workers) => {
        const clock = createVirtualClock();
        const run = async (work: readonly Work[]): Promise<void> => {
          let expectedAt = start;
          for (const step of work) {
            if (step.kind === 'job') for (let depth = 0; depth < 20; depth++) await Promise.resolve();
            if (step.kind === 'due-now') await new Promise<void>((resolve) => clock.schedule(clock.now(), resolve));
            if (step.kind === 'sleep') {
              expectedAt += step.delayMs;
              await clock.sleep(step.delayMs);
            }
            expect(clock.now()).toBe(expectedAt);
          }
        };
        const longest = Math.max(
          ...workers.map((work) => work.reduce((sum, step) => sum + (step.kind === 'sleep' ? step.delayMs : 0), 0)),
        );
        await clock.runUntil(Promise.all(workers.map(run)));
        expect(clock.now()).toBe(start + longest);
      }),
      { numRuns: 40 },
    );
  });

  it('gives what the promise gives, and fires nothing after it', async () => {
    const clock = createVirtualClock();
    let later = 0;
    clock.setTimeout(() => later++, 11);
    await expect(clock.runUntil(clock.sleep(10).then(() => 'done'))).resolves.toBe('done');
    await expect(clock.runUntil(Promise.reject(new TypeError('broken')))).rejects.toThrow(TypeError);
    expect(later).toBe(0);
    expect(clock.now()).toBe(start + 10);
  });

  it('says when nothing is left that could settle the promise', async () => {
    const clock = createVirtualClock({ startAt: 100 });
    void clock.sleep(5);
    const error: unknown = await clock.runUntil(new Promise(noop)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(VirtualTimeStalledError);
    expect(error).toMatchObject({
      code: 'VIRTUAL_TIME_STALLED',
      reason: 'nothing-pending',
      now: 105,
      timersFired: 1,
      pendingTimers: 0,
    });
  });

  it('stops at its limits', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    await expect(clock.runUntil(clock.sleep(11), { limitMs: 10 })).rejects.toMatchObject({ reason: 'time-limit', now: 0 });
    const tick = (): void => void clock.setTimeout(tick, 0);
    tick();
    await expect(clock.runUntil(new Promise(noop), { maxTimers: 7 })).rejects.toMatchObject({
      reason: 'timer-limit',
      timersFired: 7,
    });
  });

  it('two at once do not overtake each other', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const seen: number[] = [];
    const worker = async (delayMs: number): Promise<void> => {
      for (let round = 0; round < 20; round++) {
        const before = clock.now();
        await clock.sleep(delayMs);
        for (let hop = 0; hop < 3; hop++) await new Promise<void>((resolve) => clock.schedule(clock.now(), resolve));
        seen.push(clock.now() - before - delayMs);
      }
    };
    await Promise.all([clock.runUntil(worker(7)), clock.runUntil(worker(3))]);
    expect(new Set(seen)).toEqual(new Set([0]));
  });

  it('waits for work on real time that is held', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    let timedOut = false;
    clock.setTimeout(() => (timedOut = true), 1_000);
    const { readFile } = await import('node:fs/promises');
    const text = await clock.runUntil(clock.hold(readFile(new URL(import.meta.url), 'utf8')));
    expect(text).toContain('waits for work on real time');
    expect(timedOut).toBe(false);
  });
});
