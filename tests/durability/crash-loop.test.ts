import { describe, expect, it } from 'vitest';

import { crashLoop } from './support/crash-loop.js';
import { bundleScripts, storeIn } from './support/processes.js';
import { stories } from './support/stories.js';

const isLong = process.env['PLANWRIGHT_LONG'] === '1';
const seed = Number(process.env['PLANWRIGHT_SEED'] ?? 1);
const scripts = await bundleScripts();

describe('CC-22 HB-04 HB-13 HB-55 HB-56: processes killed at moments of chance, with runs of every kind of plan', () => {
  it.each([
    ['sqlite', isLong ? 300 : 7],
    ['file', isLong ? 100 : 5],
  ] as const)(
    'on a %s store, %d times',
    async (kind, kills) => {
      const figures = await crashLoop({ scripts, kills, seed, placeIn: ({ folder }) => storeIn(folder, kind) });
      console.info(`Killed on a ${kind} store:`, { ...figures, damage: figures.damage.length });
      expect(figures.damage).toEqual([]);
      expect(figures.kills).toBe(kills);
      expect(figures.runs).toBe(figures.worlds * stories.length);
      expect(figures.runsHit).toBeGreaterThan(0);
    },
    3_600_000,
  );
});
