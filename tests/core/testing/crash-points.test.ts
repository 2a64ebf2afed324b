import fc from 'fast-check';
import { expect, it } from 'vitest';

import { createEffectRecord, keysAppliedTwice } from '../../../src/core/testing/crash-ledger.js';
import { everyPoint, everySchedule, someSchedules } from '../../../src/core/testing/crash-points.js';
import { createRandom } from '../../../src/core/testing/random.js';

const figuresArbitrary = fc.record({ writes: fc.nat({ max: 30 }), calls: fc.nat({ max: 30 }), effects: fc.nat({ max: 30 }) });

it('every point of a life is there once, and each begins two schedules: alone, and with others behind it', () => {
  fc.assert(
    fc.property(figuresArbitrary, fc.integer(), (figures, seed) => {
      const points = everyPoint(figures).map((point) => JSON.stringify(point));
      expect(points).toHaveLength(2 * figures.writes + 2 * figures.calls + figures.effects);
      expect(new Set(points).size).toBe(points.length);
      const schedules = everySchedule(figures, createRandom(seed));
      expect(schedules.map(([first]) => JSON.stringify(first))).toEqual(points.flatMap((point) => [point, point]));
      expect(schedules.every((schedule, nth) => (nth % 2 === 0 ? schedule.length === 1 : schedule.length > 1))).toBe(true);
    }),
  );
});

it('schedules by chance follow from the seed, and begin at points that there are', () => {
  fc.assert(
    fc.property(figuresArbitrary, fc.integer(), fc.nat({ max: 20 }), (figures, seed, count) => {
      const some = () => someSchedules(count, { figures, random: createRandom(seed) });
      const points = new Set(everyPoint(figures).map((point) => JSON.stringify(point)));
      const schedules = some();
      expect(schedules).toHaveLength(count);
      expect(some()).toEqual(schedules);
      for (const [first] of schedules)
        expect(first === undefined ? points.size === 0 : points.has(JSON.stringify(first))).toBe(true);
    }),
  );
});

it('chance by a seed is even enough, and never out of its bounds', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 20 }), (seed, below) => {
      const random = createRandom(seed);
      const counts = Array.from({ length: below }, () => 0);
      for (let draw = 0; draw < below * 200; draw += 1) counts[random(below)]! += 1;
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(below * 200);
      for (const count of counts) expect(count).toBeGreaterThan(100);
    }),
  );
});

it('keys under which more than one effect was done are named once', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b', 'c', '__proto__')), (keys) => {
      const record = createEffectRecord();
      keys.forEach((key, value) => record.add({ key, value }));
      const twice = [...new Set(keys)].filter((key) => keys.indexOf(key) !== keys.lastIndexOf(key));
      expect([...keysAppliedTwice(record)].sort()).toEqual(twice.sort());
      for (const key of keys) expect(record.find(key)).toEqual({ key, value: keys.indexOf(key) });
      expect(record.find('never')).toBeUndefined();
    }),
  );
});
