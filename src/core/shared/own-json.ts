import { canonicalJson, CanonicalJsonError } from './canonical-json.js';
import { copyJson } from './copy-json.js';
import { deepFreeze } from './freeze.js';
import type { Json } from './json.js';
import { ok, err, type Result } from './result.js';
import { messageOf } from './thrown.js';

/** A frozen copy of a value that nobody else can change, or where and why it is no JSON, as a sentence goes on after "is not JSON". */
export function ownJson(value: unknown): Result<Json, string> {
  try {
    canonicalJson(value);
    return ok(deepFreeze(copyJson(value) as Json));
  } catch (error) {
    return err(error instanceof CanonicalJsonError ? `at "${error.pointer || '/'}": ${error.reason}` : messageOf(error));
  }
}
