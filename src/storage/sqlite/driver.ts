import { createRequire } from 'node:module';

import { StoreDriverMissingError } from '../../core/shared/store-error.js';
import type { OwnedDatabase } from './database.js';

type DatabaseClass = new (path: string, options: { readonly timeout: number }) => OwnedDatabase;

/** Where drivers come from. */
export interface DriverSources {
  /** As `require` does. @throws with code `MODULE_NOT_FOUND` where the package is not installed. */
  readonly packageNamed: (name: string) => unknown;
  /** As `process.getBuiltinModule` does. */
  readonly builtinNamed: (name: string) => object | undefined;
}

const here: DriverSources = {
  packageNamed: createRequire(import.meta.url),
  builtinNamed: (name) => process.getBuiltinModule(name),
};

/**
 * How to open a database file: with `better-sqlite3` where it is installed, else with what Node brings along.
 *
 * @throws StoreDriverMissingError where there is neither.
 */
export function findDriver({ packageNamed, builtinNamed }: DriverSources = here): (path: string) => OwnedDatabase {
  let fault = '';
  try {
    const Database = packageNamed('better-sqlite3') as DatabaseClass;
    // The compiled half of the package is loaded by its first database, and only then shows whether it fits this Node.
    new Database(':memory:', { timeout: 0 }).close();
    return opener(Database);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'MODULE_NOT_FOUND') fault = `better-sqlite3 is installed and does not load (${message.split('\n')[0]}). `;
  }
  const builtin = builtinNamed('node:sqlite') as { readonly DatabaseSync: DatabaseClass } | undefined;
  if (builtin) return opener(builtin.DatabaseSync);
  const remedy = 'Run `npm install better-sqlite3@12`, or use Node 22.13 or newer, which brings SQLite along.';
  throw new StoreDriverMissingError('SQLite', fault + remedy);
}

/** No timeout: SQLite would wait for a lock by stopping the whole process. */
const opener =
  (Database: DatabaseClass) =>
  (path: string): OwnedDatabase =>
    new Database(path, { timeout: 0 });
