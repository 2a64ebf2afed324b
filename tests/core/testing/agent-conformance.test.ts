import { describe, expect, it } from 'vitest';

import type { AgentFunction, AgentResult } from '../../../src/core/ports/agent.js';
import { agentConformance } from '../../../src/core/testing/agent-conformance.js';
import type { ScriptedAnswer } from '../../../src/core/testing/agent-script.js';
import { scriptedAgent } from '../../../src/core/testing/scripted-agent.js';
import { createVirtualClock } from '../../../src/core/testing/virtual-clock.js';

/** Names of the cases that an agent fails, in virtual time. */
async function failures(answer: ScriptedAnswer): Promise<readonly string[]> {
  const failed: string[] = [];
  const clock = createVirtualClock();
  for (const { name, run } of agentConformance({ clock, graceMs: 500 })) {
    const outcome = run(() => scriptedAgent({ default: answer }, { clock }));
    await clock.runUntil(outcome).catch(() => failed.push(name));
  }
  return failed;
}

describe('a sound agent', () => {
  it.each(agentConformance())('$name', ({ run }) => run(() => scriptedAgent()));

  it('may be an object, may take its time, and may say what it cost', async () => {
    const clock = createVirtualClock();
    const agent = {
      run: scriptedAgent(
        { default: { delayMs: 60_000, usage: { inputTokens: 3, costUsd: 0.5, provenance: 'measured' } } },
        { clock },
      ),
    };
    for (const { run } of agentConformance({ clock })) await clock.runUntil(run(() => agent));
  });
});

describe('the cases find an agent that', () => {
  const late = ['ends within the grace when it is aborted', 'ends within the grace when it was aborted before it began'];

  it.each<[string, ScriptedAnswer, readonly string[]]>([
    ['takes no notice of an abort', { delayMs: 501, ignoreAbort: true }, late],
    [
      'throws at once',
      { breach: 'throws-synchronously' },
      ['answers a simple request with JSON', 'gives a promise, and does not throw before', ...late],
    ],
    ['returns nothing', { breach: 'returns-undefined' }, ['answers a simple request with JSON']],
    ['returns text', { breach: 'returns-text' }, ['answers a simple request with JSON']],
    [
      'returns a cycle',
      { breach: 'returns-cycle' },
      ['answers a simple request with JSON', 'answers with what the declared schema asks for'],
    ],
    ['returns what is no JSON', { breach: 'returns-non-json' }, ['answers a simple request with JSON']],
    ['ignores the schema', { output: 'done' }, ['answers with what the declared schema asks for']],
    ['spends less than nothing', { usage: { costUsd: -1 } }, ['reports usage in sane figures, if at all']],
    ['counts half a token', { usage: { inputTokens: 0.5 } }, ['reports usage in sane figures, if at all']],
    ['fails', { fail: 'broken' }, ['answers a simple request with JSON', 'serves two requests at once']],
  ])('%s', async (_, answer, expected) => {
    expect(await failures(answer)).toEqual(expect.arrayContaining([...expected]));
  });

  it('gives no promise', async () => {
    const agent = (() => ({ output: 1 })) as unknown as AgentFunction;
    const [rule] = agentConformance().filter(({ name }) => name.startsWith('gives a promise'));
    await expect(rule!.run(() => agent)).rejects.toMatchObject({ code: 'CONFORMANCE' });
  });

  it('changes its request', async () => {
    const agent: AgentFunction = async (request): Promise<AgentResult> => {
      (request.input as Record<string, string>)['note'] = 'mine';
      return { output: null };
    };
    const [rule] = agentConformance();
    await expect(rule!.run(() => agent)).rejects.toMatchObject({ code: 'CONFORMANCE' });
  });
});
