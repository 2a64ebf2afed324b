import type { Json, JsonObject } from './json.js';

const formats = new Map<Json, string>([
  ['date-time', '2030-01-01T00:00:00Z'],
  ['date', '2030-01-01'],
  ['time', '00:00:00Z'],
  ['duration', 'P1D'],
  ['email', 'someone@example.org'],
  ['hostname', 'example.org'],
  ['ipv4', '192.0.2.1'],
  ['ipv6', '2001:db8::1'],
  ['uri', 'https://example.org/'],
  ['uri-reference', '/'],
  ['uuid', '00000000-0000-4000-8000-000000000000'],
  ['json-pointer', '/'],
  ['regex', '.*'],
]);

/** A string that fits `format`, `minLength` and `maxLength`, which count code points; `text` where nothing else is asked. */
export function sampleString(schema: JsonObject, text: string): string {
  const format = formats.get(schema['format'] ?? null);
  if (format !== undefined) return format;
  const points = Array.from(text);
  const most = numberOf(schema['maxLength']) ?? Infinity;
  const missing = Math.max(0, (numberOf(schema['minLength']) ?? 0) - points.length);
  return points.slice(0, most).join('') + '.'.repeat(missing);
}

/**
 * A number that fits `minimum`, `maximum`, their exclusive forms and `multipleOf`: the `nth` of those nearest to zero, and the
 * first again where there are not so many.
 */
export function sampleNumber(schema: JsonObject, { integer, nth }: { readonly integer: boolean; readonly nth: number }): number {
  const fits = (value: number): boolean => isWithin(value, schema);
  const low = highest(numberOf(schema['minimum']), numberOf(schema['exclusiveMinimum']));
  const high = lowest(numberOf(schema['maximum']), numberOf(schema['exclusiveMaximum']));
  const step = numberOf(schema['multipleOf']) ?? 1;
  const anchor = Math.min(Math.max(0, low ?? -Infinity), high ?? Infinity);
  // Multiples from the bound nearest to zero away from it, and one more for a bound that is exclusive.
  const towards = anchor < 0 || anchor === high ? -1 : 1;
  const first = (towards < 0 ? Math.floor(anchor / step) : Math.ceil(anchor / step)) * step;
  const candidates = [first + towards * nth * step, first, first + towards * step, first - towards * step].map(positiveZero);
  const found = candidates.find(fits);
  if (found !== undefined || integer) return found ?? positiveZero(first);
  // A range too narrow for a whole number.
  return [anchor, (low ?? 0) / 2 + (high ?? 0) / 2].find(fits) ?? anchor;
}

const positiveZero = (value: number): number => value + 0;

const isWithin = (value: number, schema: JsonObject): boolean =>
  value >= (numberOf(schema['minimum']) ?? -Infinity) &&
  value <= (numberOf(schema['maximum']) ?? Infinity) &&
  value > (numberOf(schema['exclusiveMinimum']) ?? -Infinity) &&
  value < (numberOf(schema['exclusiveMaximum']) ?? Infinity);

const highest = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
const lowest = (a: number | undefined, b: number | undefined) => (a === undefined || b === undefined ? (a ?? b) : Math.min(a, b));

/** A keyword's value where it is a number. */
export const numberOf = (value: Json | undefined): number | undefined => (typeof value === 'number' ? value : undefined);
