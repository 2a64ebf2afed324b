import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { createOrchestrator, parseProposal, planProposal, toMermaid, waves, type AgentFunction } from 'planwright';
import { createSequentialIds, createVirtualClock, proposalOf, scriptedAgent, topologyConformance } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { tournament } from '../../examples/own-topology/tournament.js';
import { root } from '../architecture/support/source-files.js';
import { blocksOf, pages } from '../docs/support/markdown.js';
import { runSnippet } from '../docs/support/run-snippet.js';
import { snippetsOf } from '../docs/support/snippets.js';

const ticket = (key: string, role: string, dependsOn?: readonly string[]) => ({
  key,
  title: key,
  role,
  instructions: 'Do it.',
  ...(dependsOn && { dependsOn }),
});
const entries = (...keys: readonly string[]) => keys.map((key) => ticket(key, 'worker'));
const matches = (...keys: readonly string[]) => keys.map((key) => ticket(key, 'judge'));
const roles = ['worker', 'judge'].map((key) => ({ key, kind: 'existing' as const, agentId: key }));
const topology = { kind: 'tournament', judge: 'judge' };
const proposalWith = (...tickets: ReturnType<typeof entries>) => proposalOf(tickets, { roles, topology });
const cup = proposalWith(...matches('final', 'last'), ...entries('a', 'b', 'c'));
const large = proposalWith(
  ...entries(...Array.from({ length: 500 }, (_, index) => `e${index}`)),
  ...matches(...Array.from({ length: 499 }, (_, index) => `m${index}`)),
);
const tooFew = proposalWith(...entries('a', 'b', 'c'), ...matches('final'));
const noMatch = proposalWith(...entries('a'));
const ordered = proposalWith(ticket('a', 'worker'), ticket('b', 'worker', ['a']), ...matches('final'));

describe('a topology of one’s own', () => {
  for (const { name, run } of topologyConformance(tournament, { proposals: [cup, large, tooFew, noMatch, ordered] })) {
    it(name, () => run());
  }

  it('pairs what stands longest, until one match decides', () => {
    const plan = planProposal(cup, { topologies: [tournament] });
    expect(plan.ok && waves(plan.value)).toEqual([['a', 'b', 'c'], ['final'], ['last'], ['synthesis']]);
    const of500 = planProposal(large, { topologies: [tournament] });
    // 500 entries halve nine times, and one that has nobody to meet waits for the next round.
    expect(of500.ok && waves(of500.value)).toHaveLength(1 + 9 + 1);
  });

  it('refuses what is no tournament', () => {
    const codesOf = (proposal: typeof cup) => {
      const plan = planProposal(proposal, { topologies: [tournament] });
      return plan.ok ? [] : plan.error.map(({ code, pointer }) => `${code} ${pointer}`);
    };
    expect(codesOf(tooFew)).toEqual(['match-count /tickets']);
    expect(codesOf(noMatch)).toEqual(['match-count /tickets']);
    expect(codesOf(ordered)).toEqual(['fixed-order /tickets/1/dependsOn']);
    expect(codesOf({ ...cup, topology: { kind: 'tournament' } })).toEqual(['invalid-topology-option /topology/judge']);
  });

  it('runs, and lets a contestant that failed forfeit', async () => {
    const clock = createVirtualClock();
    const worker = scriptedAgent({ steps: { b: { fail: 'no idea' } } }, { clock });
    const seen: string[] = [];
    const judge: AgentFunction = async ({ stepId, input, gaps }) => {
      seen.push(`${stepId}: ${Object.keys(input).join()} without ${gaps.map(({ key }) => key).join()}`);
      return { output: 'the better one' };
    };
    const orchestrator = createOrchestrator({
      agents: { worker, judge },
      topologies: [tournament],
      clock,
      ids: createSequentialIds(),
    });
    const { runId, revision, digest } = await orchestrator.propose(cup);
    const run = await orchestrator.approve(runId, { revision, digest, approvedBy: { kind: 'user', id: 'ada' } });
    const { status, gaps } = await clock.runUntil(run.result());
    expect(status).toBe('completed');
    expect(gaps.map(({ key }) => key)).toEqual(['b']);
    expect(seen).toEqual(['final: a,gaps without b', 'last: c,final,gaps without ']);
    await clock.runUntil(orchestrator.close());
  });
});

const readPage = (path: string) => ({ path, text: readFileSync(join(root, path), 'utf8') });
const readExample = (name: string) => readFileSync(join(root, 'examples/own-topology', name), 'utf8');

describe('the page on topologies of one’s own', () => {
  const page = readPage('docs/your-own-topology.md');
  const blocks = blocksOf(page);

  it('quotes the tournament', () => {
    expect(blocks.filter(({ text }) => text === readExample('tournament.ts'))).toHaveLength(1);
  });

  it('quotes the debate, piece by piece', () => {
    const pieces = blocks.filter(({ language, flags }) => language === 'ts' && !flags.includes('run')).map(({ text }) => text);
    expect(pieces.join('\n')).toContain(readExample('debate.ts'));
  });

  it('draws the debate as the library does, as a plan and as it went', async () => {
    const debate = snippetsOf(page).find(({ code, prints }) => prints !== undefined && code.includes(`kind: 'debate'`))!;
    const draw = [
      `import { toMermaid } from 'planwright';`,
      'console.log(`@${toMermaid(plan)}@${toMermaid(plan, { run: run.view() })}`);',
    ];
    const fileName = debate.fileName.replace(/\.ts$/, '-drawn.ts');
    const printed = await runSnippet({ ...debate, fileName, code: [debate.code, ...draw].join('\n') });
    const drawn = printed.split('@').slice(1);
    expect(blocks.filter(({ language }) => language === 'mermaid').map(({ text }) => text.trim())).toEqual(
      drawn.map((text) => text.trim()),
    );
  });
});

describe('the pages on topologies', () => {
  const blocks = pages()
    .filter(({ path }) => path.startsWith('docs/topologies'))
    .flatMap(blocksOf);

  it('draw their proposals as the library does', () => {
    const drawn = blocks.flatMap(({ language, text }, index) => {
      if (language !== 'json') return [];
      const given = JSON.parse(text) as object;
      const parsed = parseProposal({
        schemaVersion: 1,
        goal: 'Draw it',
        roles: ['writer', 'critic'].map((key) => ({ key, kind: 'existing', agentId: key })),
        synthesis: { role: 'writer', instructions: 'Put it together.', outputSchema: true },
        ...given,
      });
      const plan = parsed.ok ? planProposal(parsed.value) : parsed;
      return [{ page: blocks[index + 1]?.text, library: plan.ok ? toMermaid(plan.value) : plan.error }];
    });
    expect(drawn).toHaveLength(3);
    expect(drawn.map(({ page }) => page)).toEqual(drawn.map(({ library }) => library));
  });
});
