/** Where a text stops being JSON, and what should stand there. */
export interface JsonTextFault {
  /** UTF-16 units before the fault. */
  readonly offset: number;
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
  readonly expected: string;
}

const scalar = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y;
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

type Awaited =
  'a value' | 'a value or "]"' | 'a name in double quotes' | 'a name in double quotes or "}"' | '":"' | 'the end' | 'a comma';

/**
 * Finds the first fault of a text that `JSON.parse` refused: its own messages differ from engine to engine, and often name no place.
 * Keeps a stack of its own, so any depth will do.
 */
export function findJsonTextFault(text: string): JsonTextFault {
  const open: ('{' | '[')[] = [];
  let awaited: Awaited = 'a value';
  let at = 0;
  const fault = (expected: string): JsonTextFault => placed(text, at, expected);
  const afterValue = (): Awaited => (open.length === 0 ? 'the end' : 'a comma');

  while (true) {
    while (' \t\n\r'.includes(text.charAt(at)) && at < text.length) at += 1;
    const char = text.charAt(at);
    if (awaited === 'the end') return fault('the end of the text');
    if (awaited === 'a comma') {
      const closing = open.at(-1) === '{' ? '}' : ']';
      if (char === closing) {
        open.pop();
        awaited = afterValue();
      } else if (char === ',') awaited = closing === '}' ? 'a name in double quotes' : 'a value';
      else return fault(`"," or "${closing}"`);
      at += 1;
    } else if (awaited === '":"') {
      if (char !== ':') return fault(awaited);
      awaited = 'a value';
      at += 1;
    } else if ((char === '}' && awaited === 'a name in double quotes or "}"') || (char === ']' && awaited === 'a value or "]"')) {
      open.pop();
      awaited = afterValue();
      at += 1;
    } else if (char === '"') {
      const end = endOfString(text, at + 1);
      at = end.at;
      if (!end.closed) return fault(end.expected);
      awaited = awaited.startsWith('a name') ? '":"' : afterValue();
    } else if (awaited.startsWith('a name')) return fault(awaited);
    else if (char === '{' || char === '[') {
      open.push(char);
      awaited = char === '{' ? 'a name in double quotes or "}"' : 'a value or "]"';
      at += 1;
    } else {
      scalar.lastIndex = at;
      if (!scalar.test(text)) return fault(awaited);
      at = scalar.lastIndex;
      awaited = afterValue();
    }
  }
}

type StringEnd =
  { readonly closed: true; readonly at: number } | { readonly closed: false; readonly at: number; readonly expected: string };

function endOfString(text: string, start: number): StringEnd {
  let at = start;
  for (; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 0x22) return { closed: true, at: at + 1 };
    if (unit < 0x20) return { closed: false, at, expected: 'an escape such as "\\n" in the place of a control character' };
    if (unit !== 0x5c) continue;
    escape.lastIndex = at;
    if (!escape.test(text)) return { closed: false, at, expected: 'a valid escape' };
    at = escape.lastIndex - 1;
  }
  return { closed: false, at, expected: 'a closing double quote' };
}

function placed(text: string, offset: number, expected: string): JsonTextFault {
  let line = 1;
  let lineStart = 0;
  for (let end = text.indexOf('\n'); end >= 0 && end < offset; end = text.indexOf('\n', end + 1)) {
    line += 1;
    lineStart = end + 1;
  }
  return { offset, line, column: offset - lineStart + 1, expected };
}
