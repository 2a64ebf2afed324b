/**
 * One fault in something that was handed in, written so that its author (a person, or the model that planned) can mend it.
 * `pointer` is an RFC 6901 JSON Pointer into the input, `''` for the whole of it.
 */
export interface Issue {
  /** Stable, kebab-case. Match on this, never on the message. */
  readonly code: string;
  readonly pointer: string;
  /** One sentence with the value found and what would be right. */
  readonly message: string;
}

/** An RFC 6901 JSON Pointer from path segments: `pointerOf(['tickets', 0, 'a/b'])` is `/tickets/0/a~1b`. */
export const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((segment) => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

const longest = 60;

/** A value as it should stand in a message: JSON, shortened to 60 characters, never throwing. */
export function quote(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    text = undefined;
  }
  text ??= typeof value;
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}
