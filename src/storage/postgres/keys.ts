/**
 * A text as it stands in columns that are compared: with the escapes of JSON, since PostgreSQL's text holds no NUL and no half of a surrogate
 * pair. No two texts share a key, and those of plain letters, digits and signs are their own.
 */
export const keyOf = (text: string): string => JSON.stringify(text).slice(1, -1);

/** The text that a key stands for. */
export const textOf = (key: string): string => JSON.parse(`"${key}"`) as string;
