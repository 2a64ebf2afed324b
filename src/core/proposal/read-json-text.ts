import { type Issue, quote } from '../shared/issue.js';
import { err, ok, type Result } from '../shared/result.js';
import { findJsonTextFault } from './json-text-fault.js';

/** Parses a JSON text of at most `maxBytes`; a longer one is refused unread (`too-large`), anything but JSON with its place (`not-json`). */
export function readJsonText(text: string, maxBytes: number): Result<unknown, Issue> {
  if (text.length > maxBytes || (text.length * 3 > maxBytes && utf8Length(text) > maxBytes)) {
    const message = `the proposal has ${text.length} characters, which is more than ${maxBytes} bytes; send a smaller one`;
    return err({ code: 'too-large', pointer: '', message });
  }
  // Editors put a byte order mark in front of files; JSON.parse takes offence.
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  try {
    return ok(JSON.parse(body) as unknown);
  } catch {
    return err({ code: 'not-json', pointer: '', message: describe(body) });
  }
}

function describe(text: string): string {
  const { offset, line, column, expected } = findJsonTextFault(text);
  const found = offset >= text.length ? 'the end of the text' : quote(text.slice(offset, offset + 20).toWellFormed());
  return `the proposal is not JSON: expected ${expected} at line ${line}, column ${column} (offset ${offset}), found ${found}`;
}

function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    // Both halves of a surrogate pair count two, four together.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}
