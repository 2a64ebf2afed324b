const longest = 100;

// What Mermaid reads as syntax, in quotes or behind a colon, among it its comments, directives, entities, Markdown and formulas.
// An underscore inside a word is none of it, and state diagrams do not decode entities on their arrows, where EVENT_NAMES stand.
const special = /["#&<>`\\{}[\]|;:%*~$@^]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

// Read as a list at the beginning of a label, which newer versions refuse to draw.
const listMarker = /^(\d+|)([.)+-])(?=\s)/;

/**
 * Any text as a Mermaid label: one line, at most 100 characters, with everything that Mermaid could take for syntax as an entity code
 * (`#35;` for `#`).
 */
export function mermaidText(text: string): string {
  const line = text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
  const characters = Array.from(line);
  const short = characters.length > longest ? `${characters.slice(0, longest - 1).join('')}…` : line;
  return short.replace(special, entity).replace(listMarker, (_, number: string, mark: string) => number + entity(mark)) || ' ';
}

const entity = (character: string): string => `#${character.charCodeAt(0)};`;
