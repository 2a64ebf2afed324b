import { expect, it } from 'vitest';

import { createSequentialIds } from '../../../src/core/testing/sequential-ids.js';

it('gives the same new ids each time, in an order that sorts', () => {
  const next = createSequentialIds();
  expect([next(), next(), next()]).toEqual(['run-0001', 'run-0002', 'run-0003']);
  const ids = createSequentialIds({ prefix: 'hire' });
  expect(ids()).toBe('hire-0001');
});
