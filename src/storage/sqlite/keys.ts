// NUL cuts text short in much that reads SQLite, and half a surrogate pair has no UTF-8: such text is stored as bytes.
const unsafe = /[\0\p{Surrogate}]/u;

/**
 * How a text stands in a column that is compared: as it is, or as UTF-16 where SQLite's text could not hold it. No two texts share a key,
 * since SQLite never takes bytes for text. Keys sort by code points, and those that are bytes come last.
 */
export const keyOf = (text: string): string | Uint8Array =>
  unsafe.test(text) ? new Uint8Array(Buffer.from(text, 'utf16le').swap16()) : text;

/** Stands for no text at all, and is no key of any. SQL makes NULL of it. */
export const noKey = new Uint8Array();

/** The text that a key stands for; empty for what is no key, as a damaged page may give: whatever is under it then fails its checksum. */
export function textOf(key: unknown): string {
  if (typeof key === 'string') return key;
  return key instanceof Uint8Array && key.length % 2 === 0 ? Buffer.from(key).swap16().toString('utf16le') : '';
}
