import { describe, expect, it } from 'vitest';

import { AgentError } from '../../../src/core/shared/agent-error.js';
import { createRecordedContext, sampleRequest } from '../../../src/core/testing/agent-call.js';
import type { ScriptedAnswer } from '../../../src/core/testing/agent-script.js';
import { scriptedAgent } from '../../../src/core/testing/scripted-agent.js';
import { createVirtualClock } from '../../../src/core/testing/virtual-clock.js';

const start = Date.UTC(2026, 0, 1);
const failed = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

describe('scriptedAgent', () => {
  it('answers per step and attempt, the last answer for all that follow', async () => {
    const agent = scriptedAgent({
      default: { output: 'default' },
      steps: { flaky: [{ fail: 'busy' }, { output: null, usage: { costUsd: 0.01 } }], constructor: { output: 'built' } },
    });
    const ask = (stepId: string, attempt = 1) => agent(sampleRequest({ stepId, attempt }), createRecordedContext());

    expect(await ask('other')).toEqual({ output: 'default' });
    expect(await ask('constructor')).toEqual({ output: 'built' });
    expect(await ask('toString')).toEqual({ output: 'default' });
    expect(await failed(ask('flaky'))).toMatchObject({ message: 'busy', code: 'AGENT_FAILED', retryable: true });
    expect(await ask('flaky', 2)).toEqual({ output: null, usage: { costUsd: 0.01 } });
    expect(await ask('flaky', 3)).toEqual({ output: null, usage: { costUsd: 0.01 } });
    expect(agent.calls.map(({ request, outcome }) => [request.stepId, outcome])).toEqual([
      ['other', 'answered'],
      ['constructor', 'answered'],
      ['toString', 'answered'],
      ['flaky', 'failed'],
      ['flaky', 'answered'],
      ['flaky', 'answered'],
    ]);
  });

  it('takes a map of steps, for ids that no object literal can hold', async () => {
    const agent = scriptedAgent({ steps: new Map([['__proto__', { output: 'safe' }]]) });
    expect(await agent(sampleRequest({ stepId: '__proto__' }), createRecordedContext())).toEqual({ output: 'safe' });
  });

  it('waits on the virtual clock and notes when', async () => {
    const clock = createVirtualClock();
    const agent = scriptedAgent({ default: { delayMs: 60_000, progress: ['half way'] } }, { clock });
    const context = createRecordedContext();
    await clock.runUntil(agent(sampleRequest(), context));
    expect(agent.calls).toMatchObject([{ startedAt: start, endedAt: start + 60_000, outcome: 'answered' }]);
    expect(context.messages).toEqual(['half way']);
  });

  it('says what failed, whether to try again, and what it cost', async () => {
    const fail = { code: 'refused', message: 'The model refused.', retryable: false };
    const agent = scriptedAgent({ default: { fail, usage: { outputTokens: 7 } } });
    const error = await failed(agent(sampleRequest(), createRecordedContext()));
    expect(error).toBeInstanceOf(AgentError);
    expect(error).toMatchObject({
      reason: 'refused',
      retryable: false,
      usage: { outputTokens: 7 },
      message: 'The model refused.',
    });
  });

  it('hangs until it is aborted, or for ever where it ignores that', async () => {
    const clock = createVirtualClock();
    const controller = new AbortController();
    const context = createRecordedContext({ signal: controller.signal });
    const polite = scriptedAgent({ default: { hang: true } }, { clock });
    const deaf = scriptedAgent({ default: { hang: true, ignoreAbort: true } }, { clock });
    const slow = scriptedAgent({ default: { delayMs: 100, ignoreAbort: true } }, { clock });
    clock.setTimeout(() => controller.abort('enough'), 10);
    const late = slow(sampleRequest(), context);
    void deaf(sampleRequest(), context);

    expect(await clock.runUntil(failed(polite(sampleRequest(), context)))).toBe('enough');
    expect(polite.calls).toMatchObject([{ endedAt: start + 10, outcome: 'aborted' }]);
    await clock.runUntil(late);
    expect(slow.calls).toMatchObject([{ endedAt: start + 100, outcome: 'answered' }]);
    expect(deaf.calls[0]?.endedAt).toBeUndefined();
  });

  it('fits its default answer to the schema asked for', async () => {
    const agent = scriptedAgent();
    const outputSchema = { type: 'object', properties: { position: { type: 'string' } }, required: ['position'] };
    const { output } = await agent(sampleRequest({ outputSchema }), createRecordedContext());
    expect(output).toEqual({ position: 'position' });
    expect((await agent(sampleRequest({ stepId: 'draft' }), createRecordedContext())).output).toEqual({ did: 'draft' });
  });

  it('breaks the contract in the ways that agents do', async () => {
    const ask = (breach: NonNullable<ScriptedAnswer['breach']>) =>
      scriptedAgent({ default: { breach } })(sampleRequest(), createRecordedContext());
    expect(() => ask('throws-synchronously')).toThrow(AgentError);
    expect(await failed(ask('throws-undefined'))).toBeUndefined();
    expect(await ask('returns-undefined')).toBeUndefined();
    expect(await ask('returns-text')).toBe('done');
    const { output: cyclic } = await ask('returns-cycle');
    expect(() => JSON.stringify(cyclic)).toThrow(TypeError);
    const { output: alien } = await ask('returns-non-json');
    expect(() => JSON.stringify(alien)).toThrow(TypeError);
  });
});
