import type { z } from 'zod';

import { quote } from '../../shared/issue.js';
import { valueAt } from '../loose.js';
import { createHints, listed } from '../words.js';
import { knownKeys } from './known-keys.js';

/** One structural fault in our words. `path` starts at what was checked. */
export interface StructuralFault {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** What was checked, against which schema, and what messages call it: `''` for the proposal itself, else `ticket "x"`. */
export interface Checked {
  readonly value: unknown;
  readonly schema: z.core.$ZodType;
  readonly label: string;
}

type ZodIssue = z.core.$ZodIssue;

/** Puts an issue of zod into our words; some become several. */
export function structuralFaults(issue: ZodIssue, checked: Checked): readonly StructuralFault[] {
  const { path } = issue;
  const found = valueAt(checked.value, path);
  const where = phrase(checked.label, path);
  const fault = (code: string, message: string): StructuralFault[] => [{ code, path, message: `${where} ${message}` }];
  if (found === undefined) return missing(issue, where);
  switch (issue.code) {
    case 'unrecognized_keys':
      return unknownKeys(issue.keys, { path, checked });
    case 'invalid_type':
      return fault('wrong-type', `must be ${expected(issue.expected)}, not ${quote(found)}`);
    case 'invalid_value':
      return fault('invalid-value', invalidValue(issue.values, found));
    case 'too_small':
      return fault('out-of-range', `must be at least ${issue.minimum}, not ${quote(found)}`);
    case 'too_big':
      return fault('out-of-range', `must be at most ${issue.maximum}, not ${quote(found)}`);
    case 'invalid_format':
      return blank(path, { label: checked.label, where });
    case 'invalid_union':
      return ofUnion(issue, { checked, found, where });
    case 'custom':
      return fault(typeof found === 'number' ? 'too-precise' : 'wrong-type', `${issue.message} ${quote(found)}`);
    default:
      return fault('invalid', `is not allowed here: ${quote(found)}`);
  }
}

/** `ticket "x" retry.attempts`, `goal`, `tools[0]`; `the proposal` for the whole of it. */
function phrase(label: string, path: readonly PropertyKey[]): string {
  const place = path.reduce<string>((text, segment) => {
    if (typeof segment === 'number') return `${text}[${segment}]`;
    return text === '' ? String(segment) : `${text}.${String(segment)}`;
  }, '');
  return [label, place].filter((part) => part !== '').join(' ') || 'the proposal';
}

function missing(issue: ZodIssue, where: string): StructuralFault[] {
  const { path } = issue;
  if (path.join('.') === 'synthesis.outputSchema') {
    return [{ code: 'missing-output-schema', path, message: 'synthesis must declare an output schema' }];
  }
  const choices = issue.code === 'invalid_value' ? issue.values : tagsOf(issue);
  const wanted =
    choices !== undefined ? choices.map(quote).join(' or ') : expected(issue.code === 'invalid_type' ? issue.expected : 'value');
  return [{ code: 'missing', path, message: `${where} is missing; it must be ${wanted}` }];
}

/** What the member may be that tells the options of a union apart; nothing where no member does. */
const tagsOf = (issue: ZodIssue): readonly unknown[] | undefined =>
  issue.code === 'invalid_union' && 'options' in issue ? issue.options : undefined;

function invalidValue(values: readonly unknown[], found: unknown): string {
  const allowed = values.filter((value) => typeof value === 'string');
  const hint = typeof found === 'string' && allowed.length > 1 ? createHints(allowed)(found) : '';
  const choice = values.length === 1 ? 'must be' : 'must be one of';
  return `${choice} ${values.map(quote).join(', ')}, not ${quote(found)}${hint.includes('did you mean') ? hint : ''}`;
}

function unknownKeys(
  keys: readonly string[],
  { path, checked }: { readonly path: readonly PropertyKey[]; readonly checked: Checked },
): StructuralFault[] {
  const known = knownKeys(checked.schema, path);
  const hint = createHints(known);
  return keys.map((key) => {
    const guess = hint(key);
    const help = guess.includes('did you mean') ? guess : `; allowed: ${listed(known, 30)}`;
    return {
      code: 'unknown-key',
      path: [...path, key],
      message: `${phrase(checked.label, path)} has the unknown key ${quote(key)}${help}`,
    };
  });
}

function blank(
  path: readonly PropertyKey[],
  { label, where }: { readonly label: string; readonly where: string },
): StructuralFault[] {
  const isHireName = path.join('.') === 'hire.name';
  return [{ code: 'blank', path, message: isHireName ? `${label} hire spec has an empty name` : `${where} must not be empty` }];
}

function ofUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  { checked, found, where }: { readonly checked: Checked; readonly found: unknown; readonly where: string },
): readonly StructuralFault[] {
  const kinds = tagsOf(issue);
  if (kinds) return [{ code: 'invalid-value', path: issue.path, message: `${where} ${invalidValue(kinds, found)}` }];
  // The only other union that is read holds resource uses: a name, or an object with one.
  const isObject = typeof found === 'object' && found !== null && !Array.isArray(found);
  const [, ofObject] = issue.errors;
  if (isObject && ofObject !== undefined) {
    return ofObject.flatMap((inner) => structuralFaults({ ...inner, path: [...issue.path, ...inner.path] }, checked));
  }
  const message = `${where} must be a name or an object such as { "name": "gpu", "amount": 2 }, not ${quote(found)}`;
  return [{ code: 'wrong-type', path: issue.path, message }];
}

const expectations: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};
const expected = (type: string): string => expectations[type] ?? `a ${type}`;
