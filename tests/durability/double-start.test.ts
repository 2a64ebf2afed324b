import { type AgentFunction, createOrchestrator, type Orchestrator } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { createRandom } from '../../src/core/testing/random.js';
import { describe, expect, it, onTestFinished } from 'vitest';

import { ada, tickets } from '../running/support/world.js';
import { postgresServer } from '../storage/support/postgres-server.js';
import { makeStore } from './support/child-store.js';
import type { StorePlace } from './support/child-task.js';
import { bundleScripts, openTheatre, postgresPlace, storeIn, type Theatre } from './support/processes.js';
import type { ToldLine } from './support/witness.js';

const isLong = process.env['PLANWRIGHT_LONG'] === '1';
const random = createRandom(Number(process.env['PLANWRIGHT_SEED'] ?? 1));
const scripts = await bundleScripts();
const server = await postgresServer();
const told = ['a graph', 'a pipeline', 'steps in halves', 'retries'];

type PlaceIn = (theatre: Theatre) => StorePlace;
/** Stores that several processes can use, where this machine has them. */
const places: readonly (readonly [string, PlaceIn])[] = [
  ['SQLite', ({ folder }) => storeIn(folder, 'sqlite')],
  ...(server ? [['PostgreSQL', (() => postgresPlace(server)) satisfies PlaceIn] as const] : []),
];

const theatre = async (): Promise<Theatre> => {
  const opened = await openTheatre(scripts);
  onTestFinished(() => opened.close());
  return opened;
};

/** Every attempt that was begun, and by which process. */
const callsOf = (lines: readonly ToldLine[], runId: string) =>
  lines.flatMap((line) =>
    line.type === 'call' && line.runId === runId
      ? [{ pid: line.pid, attempt: `${line.request.kind} ${line.request.stepId} ${line.request.attempt}` }]
      : [],
  );

const entriesOf = (lines: readonly ToldLine[], runId: string) =>
  lines.flatMap((line) => (line.type === 'commit' && line.runId === runId ? line.entries : []));

const shortly = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, random(3)));

describe.each(places)('on %s, of two processes', (_, placeIn) => {
  it('CX-09 CX-18 HB-62: that approve at once, one starts the run, and both get it', async () => {
    const stage = await theatre();
    const store = placeIn(stage);
    await makeStore(store);
    const [one, two] = [1, 2].map(() => stage.start({ kind: 'serve', store, pace: 0.02 })) as [Starting, Starting];
    const starters = new Set<number>();
    for (let round = 0; round < (isLong ? 100 : 8); round += 1) {
      const runId = (await (round % 2 === 0 ? one : two).ask('propose', told[round % told.length]!)) as string;
      const approve = (child: Starting) => shortly().then(() => child.ask('approve', runId));
      await Promise.all([approve(one), approve(two)]);
      const [first, second] = await Promise.all([one.ask('result', runId), two.ask('result', runId)]);
      expect(first).toEqual(second);
      expect(first).toMatchObject({ status: 'completed' });
      const lines = stage.lines();
      expect(entriesOf(lines, runId).filter(({ type }) => type === 'run.approved')).toHaveLength(1);
      const calls = callsOf(lines, runId);
      expect(new Set(calls.map(({ attempt }) => attempt)).size).toBe(calls.length);
      expect(new Set(calls.map(({ pid }) => pid)).size).toBe(1);
      starters.add(calls[0]!.pid);
    }
    // Who comes first is a matter of chance; over all rounds neither is left out, or there was no race.
    if (isLong) expect(starters.size).toBe(2);
  }, 600_000);

  it('CX-09 CX-18 HB-62: that recover at once, each run is taken up by one', async () => {
    const stage = await theatre();
    const store = placeIn(stage);
    for (let round = 0; round < (isLong ? 20 : 2); round += 1) {
      const first = stage.start({ kind: 'serve', store });
      const runIds = await Promise.all([...told, ...told].map((story) => first.ask('propose', story) as Promise<string>));
      await Promise.all(runIds.map((runId) => first.ask('approve', runId)));
      const [one, two] = [1, 2].map(() => stage.start({ kind: 'serve', store })) as [Starting, Starting];
      await Promise.all([one.ready, two.ready]);
      first.signal('SIGKILL');
      await first.ended;
      const taken = (await Promise.all([one.ask('recover'), two.ask('recover')])) as [string[], string[]];
      expect([...taken[0], ...taken[1]].sort()).toEqual([...new Set([...taken[0], ...taken[1]])].sort());
      const results = await Promise.all(runIds.flatMap((runId) => [one.ask('result', runId), two.ask('result', runId)]));
      expect(new Set(results.map((result) => (result as { status: string }).status))).toEqual(new Set(['completed']));
      const lines = stage.lines();
      for (const runId of runIds) {
        const calls = callsOf(lines, runId).filter(({ pid }) => pid !== first.pid);
        expect(new Set(calls.map(({ attempt }) => attempt)).size).toBe(calls.length);
        expect(new Set(calls.map(({ pid }) => pid)).size).toBeLessThanOrEqual(1);
        expect(entriesOf(lines, runId).filter(({ type }) => type === 'run.recovered').length).toBeLessThanOrEqual(1);
      }
      for (const child of [one, two]) child.signal('SIGKILL');
      await Promise.all([one.ended, two.ended]);
    }
  }, 600_000);
});

type Starting = ReturnType<Theatre['start']>;

describe('of two orchestrators in one process, on one store', () => {
  const begun: string[] = [];
  const worker: AgentFunction = async ({ runId, stepId }) => {
    begun.push(`${runId} ${stepId}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
    return { output: { of: stepId } };
  };
  const approveAll = (
    orchestrators: readonly Orchestrator[],
    proposed: readonly { runId: string; revision: number; digest: string }[],
  ) =>
    Promise.all(
      proposed.flatMap(({ runId, revision, digest }) =>
        orchestrators.map((orchestrator) => orchestrator.approve(runId, { revision, digest, approvedBy: ada })),
      ),
    );

  it('CX-18 HB-62: each run is started by one, whoever approves it, and none of its steps is started twice', async () => {
    const store = createMemoryStore();
    const pair = [1, 2].map(() => createOrchestrator({ store, agents: { worker } })) as [Orchestrator, Orchestrator];
    const proposed = await Promise.all(Array.from({ length: 40 }, (_, nth) => pair[nth % 2]!.propose(tickets(['a', 'b']))));
    begun.length = 0;
    const runs = await approveAll(pair, proposed);
    const results = await Promise.all(runs.map((run) => run.result()));
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['completed']));
    expect(begun).toHaveLength(40 * 3);
    expect(new Set(begun).size).toBe(40 * 3);
    await Promise.all(pair.map((orchestrator) => orchestrator.close()));
  });

  it('CX-09: what a third has left is taken up by one of them', async () => {
    const store = createMemoryStore();
    const third = createOrchestrator({ store, agents: { worker: () => new Promise(() => undefined) }, graceMs: 10 });
    const proposed = await Promise.all(Array.from({ length: 40 }, () => third.propose(tickets(['a', 'b']))));
    await approveAll([third], proposed);
    await third.close();
    begun.length = 0;
    const pair = [1, 2].map(() => createOrchestrator({ store, agents: { worker } })) as [Orchestrator, Orchestrator];
    const [first, second] = await Promise.all(pair.map((orchestrator) => orchestrator.recover()));
    const taken = [...first!, ...second!].map(({ runId }) => runId);
    expect(taken.sort()).toEqual(proposed.map(({ runId }) => runId).sort());
    await Promise.all([...first!, ...second!].map((run) => run.result()));
    expect(begun).toHaveLength(40 * 3);
    expect(new Set(begun).size).toBe(40 * 3);
    await Promise.all(pair.map((orchestrator) => orchestrator.close()));
  });
});
