const opening = '{{';
const closing = '}}';
const prefix = 'input.';

/**
 * The ids that a text names as `{{input.<id>}}`, each once, in the order of their first mention. The id is everything up to the next
 * `}}`, without white space around it, dots and inner spaces included; any other `{{…}}` is plain text.
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

/** Calls back for each placeholder with the text before it; returns the text behind the last one. Linear in the text. */
function splitAtPlaceholders(text: string, onPlaceholder: (before: string, id: string) => void): string {
  let done = 0;
  let end = -1;
  for (let start = text.indexOf(opening); start >= 0;) {
    const inner = start + opening.length;
    // Kept while it still lies ahead: many openings before one closing must not search for it again and again.
    if (end < inner) end = text.indexOf(closing, inner);
    if (end < 0) break;
    const content = text.slice(inner, end).trimStart();
    if (content.startsWith(prefix)) {
      onPlaceholder(text.slice(done, start), content.slice(prefix.length).trim());
      done = end + closing.length;
    }
    start = text.indexOf(opening, Math.max(inner, done));
  }
  return text.slice(done);
}
