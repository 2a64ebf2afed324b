import type { RunStore } from 'planwright';
import { createRandom, type Random } from '../../../src/core/testing/random.js';
import type { StorePlace } from './child-task.js';
import { openTheatre, type Scripts, type Theatre } from './processes.js';
import { openStore } from './child-store.js';
import { damageOf, type WitnessedRun, witnessedRuns } from './witness.js';

export interface CrashLoopOptions {
  readonly scripts: Scripts;
  /** Where each world keeps its runs. */
  readonly placeIn: (theatre: Theatre) => StorePlace;
  /** Kills in all. A world in which every run has ended is followed by a new one, until there were so many. */
  readonly kills: number;
  /** Kills in one world, at most. */
  readonly killsPerWorld?: number;
  /** Decides when each process is killed. */
  readonly seed: number;
}

export interface CrashLoopFigures {
  readonly worlds: number;
  readonly kills: number;
  readonly runs: number;
  /** Runs of which some process was killed before they had ended. */
  readonly runsHit: number;
  readonly effects: number;
  /** Effects that were asked for again, under the key that they had been done under. */
  readonly effectsAskedAgain: number;
  readonly calls: number;
  /** Calls of agents that kills had made again. */
  readonly callsRepeated: number;
  /** What was wrong, in words. */
  readonly damage: readonly string[];
}

/** Time in which a world without a kill comes to its end is measured; no life lasts longer than this many times of it. */
const patience = 40;

/**
 * Starts processes that run every story, kills each at a moment of chance, and starts the next, until all runs have ended; then compares every
 * run with one of a world in which nobody was killed.
 */
export async function crashLoop({
  scripts,
  placeIn,
  kills,
  killsPerWorld = 8,
  seed,
}: CrashLoopOptions): Promise<CrashLoopFigures> {
  const random = createRandom(seed);
  const calm = await inWorld({ scripts, placeIn, kills: 0, random, usualMs: 5_000 });
  const figures = { worlds: 0, kills: 0, runs: 0, runsHit: 0, effects: 0, effectsAskedAgain: 0, calls: 0, callsRepeated: 0 };
  const damage = calm.damage({ reference: calm.runs });
  while (figures.kills < kills) {
    const wanted = Math.min(killsPerWorld, kills - figures.kills);
    const world = await inWorld({ scripts, placeIn, kills: wanted, random, usualMs: calm.ms });
    damage.push(...world.damage({ reference: calm.runs }).map((what) => `world ${figures.worlds + 1} of seed ${seed}: ${what}`));
    figures.worlds += 1;
    figures.kills += world.kills;
    figures.runs += world.runs.size;
    figures.effectsAskedAgain += world.askedAgain;
    for (const [story, run] of world.runs) {
      figures.runsHit += run.lives > 1 ? 1 : 0;
      figures.effects += run.world.effects.applied.length;
      figures.calls += run.world.calls.length;
      figures.callsRepeated += Math.max(0, run.world.calls.length - (calm.runs.get(story)?.world.calls.length ?? 0));
    }
    if (figures.worlds > kills + 10) throw new Error('Worlds come to their end before anyone can be killed.');
  }
  return { ...figures, damage };
}

interface WorldOptions extends Pick<CrashLoopOptions, 'scripts' | 'placeIn' | 'kills'> {
  readonly random: Random;
  /** How long a world without kills lasts. */
  readonly usualMs: number;
}

type Hit = WitnessedRun & { readonly lives: number };

async function inWorld({ scripts, placeIn, kills, random, usualMs }: WorldOptions) {
  const theatre = await openTheatre(scripts);
  try {
    const place = placeIn(theatre);
    let killed = 0;
    let startedAt = 0;
    for (;;) {
      const child = theatre.start({ kind: 'live', store: place, approvesFirst: random(2) === 0, tight: random(2) === 0 });
      const limit = setTimeout(() => child.signal('SIGABRT'), usualMs * patience + 20_000);
      await child.ready;
      startedAt ||= performance.now();
      if (killed < kills) {
        await Promise.race([child.ended, new Promise((resolve) => setTimeout(resolve, delayBy(random, usualMs)))]);
        if (!child.isOver) {
          child.signal('SIGKILL');
          killed += 1;
        }
      }
      const { code, signal, errors } = await child.ended;
      clearTimeout(limit);
      if (code === 0) break;
      if (signal !== 'SIGKILL') throw new Error(`A process ended by itself (${code ?? signal ?? ''}): ${errors}`);
    }
    const ms = performance.now() - startedAt;
    const lines = theatre.lines();
    const { store, end } = openStore(place, () => undefined);
    const found = await witnessedRuns({ lines, effects: theatre.effects(), store: store satisfies RunStore });
    await end();
    const livesOf = (runId: string): number => new Set(lines.filter((line) => line.runId === runId).map(({ pid }) => pid)).size;
    const runs = new Map<string, Hit>([...found].map(([story, run]) => [story, { ...run, lives: livesOf(run.runId) }]));
    return { ms, runs, kills: killed, askedAgain: theatre.askedAgain(), damage: damageIn(runs) };
  } finally {
    theatre.close();
  }
}

/** Now and then as soon as it begins, mostly in the course of things. */
const delayBy = (random: Random, usualMs: number): number => (random(10) < 3 ? random(60) : random(Math.ceil(usualMs)));

const damageIn =
  (runs: ReadonlyMap<string, WitnessedRun>) =>
  ({ reference }: { readonly reference: ReadonlyMap<string, WitnessedRun> }): string[] => {
    const missing = [...reference.keys()].filter((story) => !runs.has(story)).map((story) => `there is no run of "${story}"`);
    const damaged = [...runs].flatMap(([story, run]) =>
      damageOf(run, reference.get(story)!).map(
        ({ expectation, expected, actual }) =>
          `"${story}" ${expectation}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`,
      ),
    );
    return [...missing, ...damaged];
  };
