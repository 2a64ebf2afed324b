import { defineConfig } from 'tsup';

// Only options that tsdown has as well, so that a move is a change of import; `removeNodeProtocol` is the exception: without it
// tsup rewrites `node:sqlite` to a package that does not exist.
export default defineConfig({
  // A new store or adapter is found by its place. What lies in a folder below is a part of it, not an entry.
  entry: ['src/index.ts', 'src/testing.ts', 'src/topologies/index.ts', 'src/storage/*.ts', 'src/adapters/*.ts'],
  format: ['esm'],
  platform: 'node',
  target: 'node20',
  dts: true,
  clean: true,
  // Entries share chunks, so that an error class or a symbol is one and the same whichever entry it came through.
  splitting: true,
  sourcemap: false,
  removeNodeProtocol: false,
});
