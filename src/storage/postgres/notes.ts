import type { Json } from '../../core/shared/json.js';
import type { Query } from './client.js';
import { keyOf } from './keys.js';
import { isTableThere, lockSetup, type Tables } from './tables.js';
import { decodeValue, encodeText } from './values.js';

/** A note as it is stored. @throws StoreValueError for what is too large. */
export const encodeNote = (text: string): Promise<Buffer> => encodeText(text, '');

/** @throws StoreCorruptError */
export async function readNote(query: Query, tables: Tables, name: string): Promise<Json | undefined> {
  if (!(await isTableThere(query, tables, 'notes'))) return undefined;
  const [row] = await query(`SELECT value FROM ${tables.notes} WHERE name = $1`, [keyOf(name)]);
  return (
    row && ((await decodeValue(row['value'], `The note ${JSON.stringify(name)} in the schema ${tables.schemaName}`)) as Json)
  );
}

/** The table is made by the first note that is written: a schema from before there were notes has none, and whoever writes no notes needs none. */
export async function writeNote(
  query: Query,
  tables: Tables,
  { name, value }: { readonly name: string; readonly value: Buffer },
): Promise<void> {
  if (!(await isTableThere(query, tables, 'notes'))) {
    await lockSetup(query);
    // Another process may have come first.
    if (!(await isTableThere(query, tables, 'notes')))
      await query(`CREATE TABLE ${tables.notes} (name text COLLATE "C" PRIMARY KEY, value bytea NOT NULL)`);
  }
  await query(
    `INSERT INTO ${tables.notes} (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    [keyOf(name), value],
  );
}
