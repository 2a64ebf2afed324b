import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createOfflineAgent } from '../../src/adapters/offline.js';
import { createRecordedContext, sampleRequest } from '../../src/core/testing/agent-call.js';
import { createVirtualClock } from '../../src/core/testing/virtual-clock.js';
import type { AgentRequest } from '../../src/core/ports/agent.js';

const requestOf = (more: Partial<AgentRequest> = {}): AgentRequest =>
  sampleRequest({
    stepId: 'competitors',
    instructions: 'You are an analyst.\n\n## Task\n\nName three competitors.\nOne line each.',
    ...more,
  });

const schema = {
  type: 'object',
  properties: { summary: { type: 'string', minLength: 40 }, names: { type: 'array', items: { type: 'string' }, minItems: 3 } },
  required: ['summary', 'names'],
  additionalProperties: false,
};

describe('offline agent', () => {
  it('answers any request to its schema, equally each time, and says that its usage is estimated', async () => {
    const validate = new Ajv2020().compile(schema);
    const agent = createOfflineAgent();
    const anyRequest = fc.record({
      stepId: fc.string(),
      instructions: fc.string(),
      input: fc.dictionary(fc.string(), fc.string()),
    });
    await fc.assert(
      fc.asyncProperty(anyRequest, async (more) => {
        const request = requestOf({ ...more, outputSchema: schema });
        const result = await agent(request, createRecordedContext());
        expect(validate(result.output)).toBe(true);
        expect(result.usage?.provenance).toBe('estimated');
        expect(result.usage?.inputTokens).toBeGreaterThan(0);
        expect(await agent(request, createRecordedContext())).toEqual(result);
      }),
    );
  });

  it('names the step and the first line of the task, not of the template', async () => {
    const { output } = await createOfflineAgent()(requestOf(), createRecordedContext());
    expect(output).toBe('competitors: Name three competitors.');
    const { output: shaped } = await createOfflineAgent()(requestOf({ outputSchema: schema }), createRecordedContext());
    expect(shaped).toMatchObject({ summary: 'summary of competitors: Name three competitors.' });
  });

  it('takes its answer and its usage from the caller', async () => {
    const agent = createOfflineAgent({ answer: ({ stepId }) => ({ stepId }), usage: () => ({ costUsd: 0.5 }) });
    expect(await agent(requestOf(), createRecordedContext())).toEqual({
      output: { stepId: 'competitors' },
      usage: { costUsd: 0.5, provenance: 'estimated' },
    });
  });

  it('finishes where it is asked to decide', async () => {
    expect((await createOfflineAgent()(requestOf({ kind: 'route' }), createRecordedContext())).route).toEqual({ finish: true });
  });

  it('takes its time on the clock that it is given', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const agent = createOfflineAgent({ clock, latencyMs: ({ attempt }) => attempt * 1_000 });
    const answeredAt = agent(requestOf({ attempt: 3 }), createRecordedContext()).then(() => clock.now());
    expect(await clock.runUntil(answeredAt)).toBe(3_000);
  });

  it('stops at once when it is no longer wanted, before and while it waits', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const agent = createOfflineAgent({ clock, latencyMs: 1_000 });
    const controller = new AbortController();
    const waiting = agent(requestOf(), createRecordedContext(controller));
    const reason = new DOMException('The run was cancelled.', 'AbortError');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(agent(requestOf(), createRecordedContext(controller))).rejects.toBe(reason);
    expect([clock.now(), clock.pendingTimers]).toEqual([0, 0]);
  });
});
