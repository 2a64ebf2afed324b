import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    // Tests import what users import; tsconfig.json says the same in `paths`.
    alias: [
      { find: /^planwright$/, replacement: source('index.ts') },
      { find: /^planwright\/topologies$/, replacement: source('topologies/index.ts') },
      { find: /^planwright\/testing$/, replacement: source('testing.ts') },
      { find: /^planwright\/((?:storage|adapters)\/[^/]+)$/, replacement: source('$1.ts') },
    ],
  },
  test: {
    include: ['tests/**/*.test.ts'],
    setupFiles: ['tests/support/seed.ts'],
    // Laws over plans of 10,000 tickets take seconds on a busy two-core machine. Nothing sleeps, so a hang still ends here.
    testTimeout: 60_000,
  },
});
