import { asList, asObject, asText } from '../loose.js';
import { labelOf, named } from '../words.js';
import type { Rule, RuleContext } from './rule.js';

/**
 * Keys of roles and tickets and names of resources: `empty-key`, `untrimmed-key`, `control-character`, `key-too-long`, `unsafe-key`;
 * and `duplicate-role`, `duplicate-ticket`.
 */
export const checkKeys: Rule = (context) => {
  const { roles, tickets, fields } = context.sketch;
  checkUnique(context, { kind: 'role', elements: roles });
  checkUnique(context, { kind: 'ticket', elements: tickets });
  for (const name of Object.keys(asObject(fields['resources']))) {
    checkKey(context, { key: name, path: ['resources', name], label: 'a resource' });
  }
  for (const ticket of tickets) {
    asList(ticket.fields['resources']).forEach((use, index) => {
      const name = asText(use) ?? asText(asObject(use)['name']);
      const path = ['tickets', ticket.index, 'resources', index, ...(typeof use === 'string' ? [] : ['name'])];
      if (name !== undefined) checkKey(context, { key: name, path, label: `a resource of ${labelOf('ticket', ticket)}` });
    });
  }
};

interface Keyed {
  readonly key: string | undefined;
  readonly index: number;
}

function checkUnique(
  context: RuleContext,
  { kind, elements }: { readonly kind: 'role' | 'ticket'; readonly elements: readonly Keyed[] },
): void {
  const seen = new Map<string, number>();
  for (const { key, index } of elements) {
    if (key === undefined) continue;
    const path = [`${kind}s`, index, 'key'];
    if (!checkKey(context, { key, path, label: `a ${kind}` })) continue;
    const first = seen.get(key);
    if (first === undefined) seen.set(key, index);
    else context.issues.add(`duplicate-${kind}`, path, `duplicate ${kind} key ${named(key)}; /${kind}s/${first} has it already`);
  }
}

interface KeyPlace {
  readonly key: string;
  readonly path: readonly PropertyKey[];
  /** What has the key, in words: `a role`. */
  readonly label: string;
}

/** Whether the key can be told from others; an empty one cannot. */
function checkKey({ issues, limits }: RuleContext, { key, path, label }: KeyPlace): boolean {
  const isResource = label.startsWith('a resource');
  const word = isResource ? 'name' : 'key';
  if (key.trim() === '') {
    issues.add('empty-key', path, `${label} has an empty ${word}`);
    return false;
  }
  const refuse = (code: string, why: string) =>
    issues.add(code, path, () => `${label} has the ${word} ${named(key)}, which ${why}`);
  if (key === '__proto__') refuse('unsafe-key', 'is not safe; choose another');
  if (key !== key.trim()) refuse('untrimmed-key', 'has white space at its ends; remove it');
  if (/\p{Cc}/u.test(key)) refuse('control-character', 'has a control character; remove it');
  if (key.length > limits.maxKeyLength) {
    refuse('key-too-long', `has ${key.length} characters; max is ${limits.maxKeyLength}`);
  }
  return true;
}
