import fc from 'fast-check';
import { type Json, projectRun, redactSecrets } from 'planwright';
import { describe, expect, it } from 'vitest';

import { deepFreeze } from '../../../src/core/shared/freeze.js';
import { handWritten } from '../../support/materialized.js';

const secretNames = [
  ...['password', 'Password', 'db_password', 'PASSWORD_HASH', 'passwd', 'pwd', 'passphrase', 'secret', 'clientSecret', 'secrets'],
  ...[
    'token',
    'accessToken',
    'refresh-token',
    'tokens',
    'apiKey',
    'api_key',
    'x-api-key',
    'APIKEY',
    'privateKey',
    'awsAccessKey',
  ],
  ...['authorization', 'Proxy-Authorization', 'auth', 'cookie', 'set-cookie', 'credentials', 'bearer', 'connectionString'],
];
const plainNames = [
  ...['user', 'key', 'keys', 'author', 'authority', 'secretary', 'tokenizer', 'maxTokensPerStep', 'passed', 'monkey', 'output'],
  ...['__proto__', 'constructor', '', 'ключ'],
];
const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));

/** JSON with secrets in it: each is a text that stands nowhere else. */
const withSecrets = fc.letrec<{ value: Json; object: Json; secret: Json }>((tie) => ({
  secret: fc.oneof({ maxDepth: 2 }, fc.constant('S3CRET'), fc.array(tie('secret'), { minLength: 1, maxLength: 2 })),
  object: fc
    .tuple(
      fc.array(fc.tuple(fc.constantFrom(...plainNames), tie('value')), { maxLength: 3 }),
      fc.array(fc.tuple(fc.constantFrom(...secretNames), tie('secret')), { maxLength: 2 }),
    )
    .map(([plain, secrets]) => Object.fromEntries<Json>([...plain, ...secrets])),
  value: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('value'), { maxLength: 3 }), tie('object')),
})).value;
const withoutSecrets = fc.letrec<{ value: Json; object: Json }>((tie) => ({
  object: fc
    .array(fc.tuple(fc.constantFrom(...plainNames), tie('value')), { maxLength: 3 })
    .map((members) => Object.fromEntries<Json>(members)),
  value: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('value'), { maxLength: 3 }), tie('object')),
})).value;

describe('redactSecrets', () => {
  it('CX-17: leaves no secret anywhere, and changes nothing that it was given', () => {
    fc.assert(
      fc.property(withSecrets, (data) => {
        const before = JSON.stringify(data);
        const once = redactSecrets(deepFreeze(data));
        expect(JSON.stringify(once)).not.toContain('S3CRET');
        expect(redactSecrets(once)).toEqual(once);
        expect(JSON.stringify(data)).toBe(before);
      }),
    );
  });

  it('leaves everything else as it is', () => {
    fc.assert(
      fc.property(withoutSecrets, (data) => {
        expect(JSON.stringify(redactSecrets(data))).toBe(JSON.stringify(data));
      }),
    );
  });

  it.each(secretNames)('takes "%s" for the name of a secret', (name) => {
    expect(redactSecrets({ [name]: 'S3CRET' })).toEqual({ [name]: '[redacted]' });
    expect(redactSecrets([{ [name]: { user: 'S3CRET' } }])).toEqual([{ [name]: '[redacted]' }]);
  });

  it.each(plainNames)('takes "%s" for no name of a secret', (name) => {
    const data = Object.fromEntries([[name, 'text']]);
    expect(Object.entries(redactSecrets(data))).toEqual([[name, 'text']]);
  });

  it('keeps flags, null, and counts of tokens', () => {
    const data = { hasPassword: true, token: null, tokens: 12, inputTokens: 3, pin: { password: 1234 } };
    expect(redactSecrets(data)).toEqual({ ...data, pin: { password: '[redacted]' } });
  });

  it('takes more names, and leaves some', () => {
    const data = { iban: 'DE00', 'Next-Page-Token': 'p2', cookie: 'c' };
    expect(redactSecrets(data, { names: ['IBAN'], keep: ['nextPageToken'] })).toEqual({
      ...{ iban: '[redacted]', 'Next-Page-Token': 'p2', cookie: '[redacted]' },
    });
    expect(redactSecrets({ ключ: 'a', '': 'b', слово: 'c' }, { names: ['Ключ'] })).toEqual({
      ключ: '[redacted]',
      '': 'b',
      слово: 'c',
    });
  });

  it('leaves the view of a run whole, but for what its steps gave', () => {
    const spend = { inputTokens: 5, outputTokens: 2, costMicroUsd: 9, provenance: 'measured' } as const;
    const output = { url: 'https://example.org', session: { token: 'S3CRET' } };
    const done = { type: 'step.succeeded', stepId: 'a', attempt: 1, output, spend, seq: 1, at: 1, runId: 'r' } as const;
    const view = projectRun(handWritten([{ id: 'a' }]), [done]);
    const redacted = redactSecrets(view);
    expect(redacted.steps[0]?.output).toEqual({ url: 'https://example.org', session: { token: '[redacted]' } });
    const [first, ...others] = view.steps;
    const steps = [{ ...first, output: redacted.steps[0]?.output }, ...others];
    expect(redacted).toEqual({ ...view, steps });
  });
});
