import type { Json } from '../shared/json.js';
import { jsonFault } from '../shared/json-fault.js';
import { quote } from '../shared/issue.js';
import { StoreValueError } from '../shared/store-error.js';

/** A note as the text that is stored. @throws StoreValueError for what is not JSON. */
export function noteText(name: string, value: Json): string {
  const fault = jsonFault(value);
  if (fault)
    throw new StoreValueError('', `${fault.path === '' ? '' : `at ${fault.path}, `}${fault.detail}.`, `The note ${quote(name)}`);
  return JSON.stringify(value);
}
