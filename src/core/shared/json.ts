/** Any value that JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. Absent and `undefined` members are the same. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = JsonObject | boolean;
