import { describe, expect, it } from 'vitest';

import { importCycles, layeringFaults, reachableFrom } from './support/layering.js';
import { sourceFiles } from './support/source-files.js';

const files = sourceFiles();
const planted = (path: string, ...lines: string[]) => ({ path, text: lines.join('\n') });

describe('layering', () => {
  it('lets each folder import only what the table allows', () => {
    expect(files.length).toBeGreaterThan(10);
    expect(layeringFaults(files)).toEqual([]);
  });

  it('has no cycle of imports, types included', () => {
    expect(importCycles(files)).toEqual([]);
  });

  it('CC-48 keeps proposal layer and engine separable: no part of the engine needs core/proposal, nor the other way', () => {
    const engine = /^src\/core\/(plan|analysis|approval|materializer|kernel|views)\//;
    const proposal = /^src\/core\/proposal\//;
    const below = (start: RegExp, target: RegExp) =>
      [...reachableFrom(files, (path) => start.test(path))].filter((path) => target.test(path));
    expect(below(engine, proposal)).toEqual([]);
    expect(below(proposal, engine)).toEqual([]);
  });
});

describe('the layering check', () => {
  it.each([
    ['a folder above', planted('src/core/plan/a.ts', `import { x } from '../kernel/x.js';`)],
    ['a type of a folder above', planted('src/core/ports/a.ts', `import type { Plan } from '../plan/plan.js';`)],
    ['a type written in place', planted('src/core/ports/a.ts', `export type A = import('../plan/plan.js').Plan;`)],
    ['a re-export', planted('src/core/shared/a.ts', `export * from '../ports/plan.js';`)],
    ['an import at run time', planted('src/core/kernel/a.ts', `const x = await import('../runtime/x.js');`)],
    ['a package that is not its own', planted('src/core/plan/a.ts', `import { setup } from 'xstate';`)],
    ['a subpath of such a package', planted('src/topologies/a.ts', `import { x } from 'xstate/graph';`)],
    ['a module of Node in a pure folder', planted('src/topologies/a.ts', `import { readFileSync } from 'node:fs';`)],
    ['a sibling plug-in', planted('src/storage/file.ts', `import { x } from './memory.js';`)],
    ['core out of a plug-in', planted('src/adapters/a.ts', `import { x } from '../core/runtime/x.js';`)],
    ['a barrel', planted('src/core/runtime/a.ts', `import { x } from '../../index.js';`)],
    ['a plug-in out of core', planted('src/core/runtime/a.ts', `import { x } from '../../storage/memory.js';`)],
    ['what lies outside of src', planted('src/core/runtime/a.ts', `import { x } from '../../../tests/x.js';`)],
  ])('finds %s', (_, file) => {
    expect(layeringFaults([file])).toHaveLength(1);
  });

  it('finds a folder that has no row', () => {
    expect(layeringFaults([planted('src/core/misc/a.ts', ''), planted('src/other.ts', '')])).toHaveLength(2);
  });

  it('lets a plug-in grow into a folder of its own', () => {
    expect(layeringFaults([planted('src/storage/sqlite.ts', `import { x } from './sqlite/x.js';`)])).toEqual([]);
  });

  it('finds a cycle that only types close', () => {
    const cycle = importCycles([
      planted('src/core/plan/a.ts', `import { b } from './b.js';`),
      planted('src/core/plan/b.ts', `export { c } from './c.js';`),
      planted('src/core/plan/c.ts', `import type { A } from './a.js';`),
    ]);
    expect(cycle).toEqual([['src/core/plan/a.ts', 'src/core/plan/b.ts', 'src/core/plan/c.ts', 'src/core/plan/a.ts']]);
  });
});
