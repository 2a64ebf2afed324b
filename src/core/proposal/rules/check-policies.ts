import { checkJsonSchema } from '../../schema/json-schema.js';
import { asList, asObject, asText } from '../loose.js';
import { createHints, labelOf, named } from '../words.js';
import type { Rule, RuleContext } from './rule.js';

/**
 * What policies name is there, and each can apply to something: `duplicate-policy`, `reserved-policy`, `unknown-role`, `unknown-ticket`,
 * `malformed-schema`, `policy-never-applies`.
 */
export const checkPolicies: Rule = (context) => {
  const policies = asList(context.sketch.fields['policies']);
  const { roleKeys, ticketIndex } = context.sketch;
  const known = {
    roles: { word: 'role', keys: roleKeys, hint: createHints(roleKeys) },
    tickets: { word: 'ticket', keys: new Set(ticketIndex.keys()), hint: createHints(ticketIndex.keys()) },
  };
  const seen = new Map<string, number>();
  policies.forEach((policy, index) => {
    const fields = asObject(policy);
    const one = { index, fields, key: asText(fields['key']) };
    checkKey(context, one, seen);
    for (const list of ['roles', 'tickets'] as const) checkNames(context, one, { list, ...known[list] });
    checkScope(context, one);
    checkWhen(context, one);
  });
};

interface PolicySketch {
  readonly index: number;
  readonly key: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What is called as policies are: what follows from how far roles may go by themselves, and from the tools that they have. */
const reserved = /^(autonomy|tools):/;

function checkKey({ issues }: RuleContext, { key, index }: PolicySketch, seen: Map<string, number>): void {
  if (key === undefined) return;
  const path = ['policies', index, 'key'];
  if (key.trim() === '') {
    issues.add('empty-key', path, 'a policy has an empty key');
    return;
  }
  if (reserved.test(key))
    issues.add(
      'reserved-policy',
      path,
      `policy ${named(key)} is called as those are that follow from the autonomy or the tools of a role; choose another key`,
    );
  const first = seen.get(key);
  if (first === undefined) seen.set(key, index);
  else issues.add('duplicate-policy', path, `duplicate policy key ${named(key)}; /policies/${first} has it already`);
}

interface Names {
  readonly list: 'roles' | 'tickets';
  readonly word: string;
  readonly keys: ReadonlySet<string>;
  readonly hint: (name: string) => string;
}

function checkNames({ issues }: RuleContext, policy: PolicySketch, { list, word, keys, hint }: Names): void {
  asList(policy.fields[list]).forEach((name, place) => {
    if (typeof name !== 'string' || keys.has(name)) return;
    const path = ['policies', policy.index, list, place];
    issues.add(`unknown-${word}`, path, () => `${labelOf('policy', policy)} names unknown ${word} ${named(name)}${hint(name)}`);
  });
}

function checkScope({ issues }: RuleContext, policy: PolicySketch): void {
  const { fields, index } = policy;
  const on = asObject(fields['on']);
  const report = (path: readonly PropertyKey[], why: string) =>
    issues.add('policy-never-applies', ['policies', index, ...path], `${labelOf('policy', policy)} never applies: ${why}`);
  for (const list of ['roles', 'tickets', 'kinds', 'effects'])
    if (isEmptyList(fields[list])) report([list], `${list} is empty; leave it out, or name some`);
  if (isEmptyList(on['tools'])) report(['on', 'tools'], 'tools is empty; leave it out, or name some');
  const kinds = asList(fields['kinds']);
  if (on['type'] === 'tool' || kinds.length === 0 || kinds.some((kind) => kind !== 'compensation' && kind !== 'gate')) return;
  report(
    ['kinds'],
    'what undoes a step is always started, and no step is a gate; name other kinds, or the tools that it may use',
  );
}

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

function checkWhen({ issues }: RuleContext, policy: PolicySketch): void {
  const { when } = asObject(policy.fields['on']);
  const fault = when === undefined ? undefined : checkJsonSchema(when);
  if (fault === undefined) return;
  const message = `${labelOf('policy', policy)} when is malformed: ${fault}`;
  issues.add('malformed-schema', ['policies', policy.index, 'on', 'when'], message);
}
