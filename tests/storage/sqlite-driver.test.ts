import { expect, it } from 'vitest';

import { type DriverSources, findDriver } from '../../src/storage/sqlite/driver.js';

/** A driver that says which one it is. */
const driverNamed = (name: string) =>
  class {
    readonly name = name;
    exec = (): void => undefined;
    prepare = (): never => {
      throw new Error('not asked for');
    };
    close = (): void => undefined;
  };

const installed = (): unknown => driverNamed('better-sqlite3');
const missing = (): never => {
  throw Object.assign(new Error("Cannot find module 'better-sqlite3'"), { code: 'MODULE_NOT_FOUND' });
};
const unbuilt = (): unknown =>
  function Database() {
    throw new Error('Could not locate the bindings file. Tried:\n → build/better_sqlite3.node');
  };
const builtin = (): object => ({ DatabaseSync: driverNamed('node:sqlite') });
const none = (): undefined => undefined;

const opened = (sources: DriverSources): unknown => (findDriver(sources)('runs.db') as unknown as { readonly name: string }).name;

it('takes better-sqlite3 where it is installed, and what Node brings along where it is not or does not load', () => {
  expect(opened({ packageNamed: installed, builtinNamed: builtin })).toBe('better-sqlite3');
  expect(opened({ packageNamed: installed, builtinNamed: none })).toBe('better-sqlite3');
  expect(opened({ packageNamed: missing, builtinNamed: builtin })).toBe('node:sqlite');
  expect(opened({ packageNamed: unbuilt, builtinNamed: builtin })).toBe('node:sqlite');
});

it('says what to install where there is neither, and what is wrong with what is there', () => {
  const code = 'STORE_DRIVER_MISSING';
  const finding = (packageNamed: DriverSources['packageNamed']) => () => findDriver({ packageNamed, builtinNamed: none });
  expect(finding(missing)).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(/npm install better-sqlite3@12.*Node 22\.13/) as unknown }),
  );
  expect(finding(missing)).not.toThrow(/does not load/);
  expect(finding(unbuilt)).toThrow(/does not load \(Could not locate the bindings file\. Tried:\)/);
});
