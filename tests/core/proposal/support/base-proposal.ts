import type { Issue, OrchestrationProposal, Result } from 'planwright';
import { expect } from 'vitest';

/** JSON that tests may break. */
export type Loose = Record<string, unknown>;

/** What stands at a JSON Pointer, to be changed in place. */
export function at(root: Loose, pointer: string): Loose {
  const segments = pointer.split('/').slice(1);
  return segments.reduce<Loose>((value, segment) => value[segment] as Loose, root);
}

/** Adds to the list at a JSON Pointer. */
export const append = (root: Loose, pointer: string, ...elements: unknown[]): void => {
  (at(root, pointer) as unknown as unknown[]).push(...elements);
};

/** A sound proposal with every section, new on each call: a → b → d, a → c → d. */
export const baseProposal = (): Loose => ({
  schemaVersion: 1,
  goal: 'Write a positioning document',
  context: { parentTicket: 'T-1', channel: 'c-1', repositories: ['site'], scope: { quarter: 3 } },
  roles: [
    {
      key: 'analyst',
      kind: 'existing',
      agentId: 'agent-1',
      description: 'Finds facts',
      tools: ['search'],
      budget: { maxCostUsd: 2 },
    },
    { key: 'writer', kind: 'hire', hire: { name: 'Copywriter', skills: ['prose'] } },
  ],
  tickets: [
    ticket('a', []),
    {
      ...ticket('b', ['a']),
      instructions: 'Use {{input.a}} and {{input.research}}',
      resources: ['search', { name: 'gpu', amount: 2 }],
    },
    { ...ticket('c', ['a']), effect: 'once', compensation: { role: 'analyst', instructions: 'Undo it' }, priority: 'high' },
    {
      ...ticket('d', ['b', 'c']),
      role: 'writer',
      input: { from: ['a', 'b', 'research'] },
      gate: { kind: 'before', prompt: 'Go on?' },
    },
  ],
  research: { role: 'analyst', instructions: 'Read up', outputSchema: true },
  discussion: { instructions: 'Take a position on {{input.research}}', rounds: 2 },
  synthesis: { role: 'writer', instructions: 'Join {{input.d}}, mind {{input.gaps}}', outputSchema: { type: 'object' } },
  budget: { maxCostUsd: 5, maxTokens: 200_000, maxSteps: 100, onExceeded: 'fail' },
  resources: { search: { concurrency: 4, limit: 10, intervalMs: 1000 } },
  metadata: { source: 'test' },
});

/** A ticket of role `analyst`. */
export const ticket = (key: string, dependsOn: readonly string[]): Loose => ({
  key,
  title: `Ticket ${key}`,
  role: 'analyst',
  instructions: 'Do it',
  dependsOn: [...dependsOn],
  outputSchema: { type: 'object' },
  estimate: { costUsd: 0.1, tokens: 100, durationMs: 1000 },
});

/** A sound proposal with the given tickets and nothing optional. */
export const smallProposal = (tickets: readonly Loose[]): Loose => ({
  schemaVersion: 1,
  goal: 'Do it',
  roles: [{ key: 'analyst', kind: 'existing', agentId: 'agent-1' }],
  tickets,
  synthesis: { role: 'analyst', instructions: 'Sum up', outputSchema: true },
});

/** The proposal, or a failing test that shows the issues. */
export function accepted(result: Result<OrchestrationProposal, Issue[]>): OrchestrationProposal {
  expect(result.ok ? [] : result.error).toEqual([]);
  return (result as { readonly value: OrchestrationProposal }).value;
}

/** The issues, or a failing test. */
export function refused(result: Result<unknown, Issue[]>): readonly Issue[] {
  expect(result.ok).toBe(false);
  return result.ok ? [] : result.error;
}

/** Issues as `code pointer`, for comparisons that leave the sentences out. */
export const places = (issues: readonly Issue[]): readonly string[] => issues.map(({ code, pointer }) => `${code} ${pointer}`);
