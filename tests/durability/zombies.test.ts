import { describe, expect, it } from 'vitest';

import { postgresServer } from '../storage/support/postgres-server.js';
import { freezeAndThaw } from './support/freezes.js';
import { bundleScripts, postgresPlace, storeIn } from './support/processes.js';

const isLong = process.env['PLANWRIGHT_LONG'] === '1';
const seed = Number(process.env['PLANWRIGHT_SEED'] ?? 1);
const freezes = isLong ? 50 : 2;
const scripts = await bundleScripts();
const server = await postgresServer();

describe('CC-22 HB-04 HB-37: a process that was frozen past its lease, and thawed when another had taken over, changes nothing', () => {
  it('on SQLite', async () => {
    const figures = await freezeAndThaw({ scripts, freezes, seed, placeIn: ({ folder }) => storeIn(folder, 'sqlite') });
    console.info('Frozen on SQLite:', { ...figures, damage: figures.damage.length });
    expect(figures.damage).toEqual([]);
    expect(figures).toMatchObject({ freezes, halted: figures.takenOver });
  }, 3_600_000);

  it.skipIf(!server)(
    'on PostgreSQL',
    async () => {
      const figures = await freezeAndThaw({ scripts, freezes, seed, placeIn: () => postgresPlace(server!) });
      console.info('Frozen on PostgreSQL:', { ...figures, damage: figures.damage.length });
      expect(figures.damage).toEqual([]);
      expect(figures).toMatchObject({ freezes, halted: figures.takenOver });
    },
    3_600_000,
  );
});
