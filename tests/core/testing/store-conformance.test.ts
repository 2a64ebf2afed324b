import { describe, expect, it } from 'vitest';

import { storeConformance } from '../../../src/core/testing/store-conformance.js';
import { createMemoryStore } from '../../../src/storage/memory.js';
import { claimFaults, listingFaults } from './support/claim-faults.js';
import { noteFaults } from './support/note-faults.js';
import { commitFaults, type StoreFault } from './support/store-faults.js';

const faults: Readonly<Record<string, StoreFault>> = { ...commitFaults, ...claimFaults, ...listingFaults, ...noteFaults };

/** Names of the cases that a store with the fault fails, found once. */
const caughtBy = new Map<string, Promise<readonly string[]>>();
const namesOf = (fault: string): Promise<readonly string[]> => {
  const known = caughtBy.get(fault) ?? findCases(faults[fault]!);
  caughtBy.set(fault, known);
  return known;
};

async function findCases({ fault }: StoreFault): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { name, run } of storeConformance) {
    const create = () => {
      const sound = createMemoryStore();
      return { ...sound, ...fault(sound) };
    };
    await run(create).catch(() => failed.push(name));
  }
  return failed;
}

describe('store conformance', () => {
  for (const [name, { breaks }] of Object.entries(faults)) {
    it(`catches a store that ${name}`, async () => {
      const caught = (await namesOf(name)).join('\n');
      for (const found of breaks) expect(caught).toMatch(found);
    });
  }

  it('has no case that catches nothing', async () => {
    const caught = new Set((await Promise.all(Object.keys(faults).map(namesOf))).flat());
    expect(storeConformance.filter(({ name }) => !caught.has(name)).map(({ name }) => name)).toEqual([]);
  });

  it('names each case once', () => {
    expect(new Set(storeConformance.map(({ name }) => name)).size).toBe(storeConformance.length);
  });
});
