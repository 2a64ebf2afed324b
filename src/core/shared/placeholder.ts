const opening = '{{input.';
const closing = '}}';

/**
 * The ids that a text names as `{{input.<id>}}`, each once, in the order of their first mention. Everything between `{{input.`
 * and the next `}}` is the id, dots and spaces included; any other `{{…}}` is plain text.
 */
export function placeholdersOf(text: string): readonly string[] {
  const ids = new Set<string>();
  splitAtPlaceholders(text, (_, id) => ids.add(id));
  return [...ids];
}

/** Puts values in the place of `{{input.<id>}}`. A value is never searched for placeholders again. */
export function fillPlaceholders(text: string, valueOf: (id: string) => string): string {
  let filled = '';
  const rest = splitAtPlaceholders(text, (before, id) => (filled += before + valueOf(id)));
  return filled + rest;
}

/** Calls back for each placeholder with the text before it; returns the text behind the last one. */
function splitAtPlaceholders(text: string, onPlaceholder: (before: string, id: string) => void): string {
  let from = 0;
  for (;;) {
    const start = text.indexOf(opening, from);
    const end = start < 0 ? -1 : text.indexOf(closing, start + opening.length);
    if (end < 0) return text.slice(from);
    onPlaceholder(text.slice(from, start), text.slice(start + opening.length, end));
    from = end + closing.length;
  }
}
