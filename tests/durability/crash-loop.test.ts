import { describe, expect, it } from 'vitest';

import { postgresServer } from '../storage/support/postgres-server.js';
import { crashLoop, type CrashLoopOptions } from './support/crash-loop.js';
import { bundleScripts, postgresPlace, storeIn } from './support/processes.js';
import { stories } from './support/stories.js';

const isLong = process.env['PLANWRIGHT_LONG'] === '1';
const seed = Number(process.env['PLANWRIGHT_SEED'] ?? 1);
const scripts = await bundleScripts();
const server = isLong ? await postgresServer() : undefined;

/** Where the runs are kept, and how often a process is killed. */
const places: readonly (readonly [string, number, CrashLoopOptions['placeIn']])[] = [
  ['a SQLite store', isLong ? 300 : 7, ({ folder }) => storeIn(folder, 'sqlite')],
  ['a file store', isLong ? 100 : 5, ({ folder }) => storeIn(folder, 'file')],
  ...(server ? [['a PostgreSQL store', 100, (() => postgresPlace(server)) as CrashLoopOptions['placeIn']] as const] : []),
];

describe('CC-22 HB-04 HB-13 HB-55 HB-56: processes killed at moments of chance, with runs of every kind of plan', () => {
  it.each(places)(
    'on %s, %d times',
    async (where, kills, placeIn) => {
      const figures = await crashLoop({ scripts, kills, seed, placeIn });
      console.info(`Killed on ${where}:`, { ...figures, damage: figures.damage.length });
      expect(figures.damage).toEqual([]);
      expect(figures.kills).toBe(kills);
      expect(figures.runs).toBe(figures.worlds * stories.length);
      expect(figures.runsHit).toBeGreaterThan(0);
    },
    3_600_000,
  );
});
