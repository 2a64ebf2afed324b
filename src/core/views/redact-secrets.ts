/** What counts as the name of a secret, besides what looks like one. */
export interface RedactOptions {
  /** Names that are secret as well; case and separators do not matter. */
  readonly names?: readonly string[];
  /** Names that look secret and are not. */
  readonly keep?: readonly string[];
}

/** What stands in the place of a secret. */
const redacted = '[redacted]';

/** In lower case, without separators. */
const secretName =
  /passw(?:or)?d|passphrase|secret(?!ar)|credential|authorization|cookie|bearer|(?:api|private|access|signing|encryption)key|connectionstring|pwd$|^auth$/;
const tokenName = /tokens?$/;

/**
 * A copy of plain data, such as a step's output or a whole `RunView`, in which whatever stands under a name that looks like a secret's is
 * `'[redacted]'`: passwords, tokens, API keys, cookies, `authorization`, … Flags, `null`, and tokens that are a number, as in a usage, stay.
 * It goes by names alone: a secret inside of a text under another name is not found.
 *
 * @example
 * redactSecrets({ user: 'ada', apiKey: 'k-123', usage: { tokens: 12 } });
 * // { user: 'ada', apiKey: '[redacted]', usage: { tokens: 12 } }
 */
export function redactSecrets<T>(data: T, { names = [], keep = [] }: RedactOptions = {}): T {
  const secret = new Set(names.map(plainName));
  const kept = new Set(keep.map(plainName));
  const isSecret = (key: string, member: unknown): boolean => {
    if (member === null || member === undefined || typeof member === 'boolean') return false;
    const name = plainName(key);
    if (secret.has(name)) return true;
    if (kept.has(name)) return false;
    return secretName.test(name) || (tokenName.test(name) && typeof member !== 'number');
  };
  const copy = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(copy);
    // From entries, because a member may go by the name of something that objects inherit.
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, isSecret(key, member) ? redacted : copy(member)]),
    );
  };
  return copy(data) as T;
}

const plainName = (key: string): string => key.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
