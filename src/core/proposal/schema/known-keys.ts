import type { z } from 'zod';

interface Definition {
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly element?: z.core.$ZodType;
  readonly innerType?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly options?: readonly z.core.$ZodType[];
}

const definitionOf = (schema: z.core.$ZodType): Definition => schema._zod.def as Definition;

/** The keys that the strict object at a path of a schema may have; empty where there is none. */
export function knownKeys(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  const [segment, ...rest] = path;
  const { shape, element, innerType, valueType, options } = definitionOf(schema);
  if (innerType !== undefined) return knownKeys(innerType, path);
  if (options !== undefined) return [...new Set(options.flatMap((option) => knownKeys(option, path)))];
  if (segment === undefined) return Object.keys(shape ?? {});
  const next = shape?.[String(segment)] ?? element ?? valueType;
  return next === undefined ? [] : knownKeys(next, rest);
}
