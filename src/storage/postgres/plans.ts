import { createHash } from 'node:crypto';

import type { PostgresStatement } from './client.js';
import { isRefusalOfNames } from './failures.js';

/** Gives statements names, so that PostgreSQL plans each once for a connection: half of its work for a commit would be planning. */
export interface Plans {
  named(text: string, values: unknown[]): PostgresStatement;
  /** Gives names up where what stands between keeps none, as some proxies do. Answers whether to try again without. */
  giveUp(error: unknown): boolean;
}

/** Names at most: a statement of many forms must not fill the memory of the server. */
const most = 64;

export function createPlans(): Plans {
  const names = new Map<string, string>();
  let isNaming = true;
  return {
    named(text, values) {
      if (!isNaming || (names.size >= most && !names.has(text))) return { text, values };
      // By its text, since several stores may share connections.
      const name = names.get(text) ?? `planwright ${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
      names.set(text, name);
      return { name, text, values };
    },
    giveUp(error) {
      if (!isNaming || !isRefusalOfNames(error)) return false;
      isNaming = false;
      return true;
    },
  };
}
