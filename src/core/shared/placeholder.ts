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

/** What stands in the place of a placeholder: a text, or a block that has its lines to itself. */
export type Filling = string | { readonly block: string };

/** Puts values in the place of `{{input.<id>}}`. A value is never searched for placeholders again. */
export function fillPlaceholders(text: string, valueOf: (id: string) => Filling): string {
  let filled = '';
  let isBehindBlock = false;
  const add = (part: string): void => {
    if (part === '') return;
    filled += isBehindBlock && !part.startsWith('\n') ? `\n${part}` : part;
    isBehindBlock = false;
  };
  const rest = splitAtPlaceholders(text, (before, id) => {
    add(before);
    const filling = valueOf(id);
    if (typeof filling === 'string') return add(filling);
    if (filled !== '' && !filled.endsWith('\n')) filled += '\n';
    filled += filling.block;
    isBehindBlock = true;
  });
  add(rest);
  return filled;
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
