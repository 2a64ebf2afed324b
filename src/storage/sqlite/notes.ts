import type { Json } from '../../core/shared/json.js';
import type { Session } from './database.js';
import { keyOf } from './keys.js';
import { checkSum } from './rows.js';
import { checksumOf, decodeValue } from './values.js';

/** Made by the first note that is written: a database from before there were notes, and one that needs none, has no such table. */
const table = `CREATE TABLE IF NOT EXISTS notes (
  name ANY NOT NULL PRIMARY KEY,
  value TEXT NOT NULL,
  checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID`;

const isThere = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'notes'";

/** @throws StoreCorruptError */
export function readNote(session: Session, name: string): Json | undefined {
  if (session.get(isThere) === undefined) return undefined;
  const row = session.get('SELECT value, checksum FROM notes WHERE name = ?', keyOf(name)) as
    { readonly value: unknown; readonly checksum: unknown } | undefined;
  if (!row) return undefined;
  const place = `The note ${JSON.stringify(name)}`;
  checkSum(place, { ...row, facts: [name] });
  return decodeValue(row.value as string, place);
}

/** `text` is JSON. */
export function writeNote(session: Session, name: string, text: string): void {
  session.run(table);
  session.run(
    `INSERT INTO notes (name, value, checksum) VALUES (?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value, checksum = excluded.checksum`,
    ...[keyOf(name), text, checksumOf(text, name)],
  );
}
