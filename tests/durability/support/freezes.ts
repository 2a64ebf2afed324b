import { createRandom, type Random } from '../../../src/core/testing/random.js';
import { makeStore, openStore } from './child-store.js';
import type { StorePlace } from './child-task.js';
import { type Child, openTheatre, type Scripts, type Theatre, until } from './processes.js';
import { damageOf, type ToldLine, type WitnessedRun, witnessedRuns } from './witness.js';

export interface FreezeOptions {
  readonly scripts: Scripts;
  readonly placeIn: (theatre: Theatre) => StorePlace;
  /** Times that a process is to be frozen, past its lease, while it drives runs that another takes over. */
  readonly freezes: number;
  readonly seed: number;
}

export interface FreezeFigures {
  readonly freezes: number;
  /** Freezes that came to nothing, because all runs had ended. */
  readonly missed: number;
  /** Freezes of a process that had the database locked, so that nobody could take over before it was thawed. */
  readonly blocked: number;
  readonly takenOver: number;
  /** Runs that were taken over whose first process said so once it was thawed: its next write was refused. */
  readonly halted: number;
  readonly damage: readonly string[];
}

const leaseMs = 500;
/** Runs of each round. None needs a person, who would be asking at the process that is frozen. */
const cast = ['a graph', 'a pipeline', 'steps in halves', 'retries', 'research and two rounds of discussion'];
/** A database that is still locked by then is locked by whoever is frozen. */
const patienceMs = 4_000;

interface Round {
  readonly runIds: readonly string[];
  readonly isBlocked: boolean;
  readonly takenOver: readonly string[];
}

/**
 * Again and again freezes a process in the midst of its runs, lets another take them over, thaws the first, and lets both go on. Every write
 * of the first to what is no longer its own has to be refused, and every run has to end as if nothing had happened.
 */
export async function freezeAndThaw({ scripts, placeIn, freezes, seed }: FreezeOptions): Promise<FreezeFigures> {
  const random = createRandom(seed);
  const calm = await calmRuns({ scripts, placeIn });
  const theatre = await openTheatre(scripts);
  try {
    const place = placeIn(theatre);
    await makeStore(place);
    const figures = { freezes: 0, missed: 0, blocked: 0, takenOver: 0, halted: 0 };
    const damage: string[] = [];
    while (figures.freezes < freezes && figures.missed + figures.blocked <= 2 * freezes + 10) {
      const scene = { theatre, place, random };
      const { takenOver, runIds, isBlocked } = await freezeOnce(scene);
      figures[isBlocked ? 'blocked' : takenOver.length > 0 ? 'freezes' : 'missed'] += 1;
      figures.takenOver += takenOver.length;
      const lines = theatre.lines();
      figures.halted += takenOver.filter((runId) => isRefused(lines, runId)).length;
      damage.push(...(await roundDamage({ ...scene, lines, runIds, calm })));
    }
    return { ...figures, damage };
  } finally {
    theatre.close();
  }
}

interface Scene {
  readonly theatre: Theatre;
  readonly place: StorePlace;
  readonly random: Random;
}

async function freezeOnce({ theatre, place, random }: Scene): Promise<Round> {
  const task = { kind: 'serve', store: place, leaseMs, pace: 0.2, careful: true } as const;
  const first = theatre.start(task);
  const second = theatre.start(task);
  await Promise.all([first.ready, second.ready]);
  // From now on it looks for runs that have been left.
  await second.ask('recover');
  const runIds = await Promise.all(cast.map((story) => first.ask('propose', story) as Promise<string>));
  // On a busy machine it may lose its lease before it has even begun.
  await Promise.all(runIds.map((runId) => first.ask('approve', runId).catch(() => undefined)));
  await new Promise((resolve) => setTimeout(resolve, random(300)));
  first.signal('SIGSTOP');
  const isTaken = (runId: string): boolean => isClaimedBy(theatre.lines(), runId, second.pid);
  const hasEnded = (runId: string): boolean => isOver(theatre.lines(), runId);
  const isBlocked = await until(() => runIds.every((runId) => isTaken(runId) || hasEnded(runId)), patienceMs).then(
    () => false,
    () => true,
  );
  const takenOver = runIds.filter(isTaken);
  // Now before they have come to their end, now after.
  if (random(2) === 0) await Promise.all(takenOver.map((runId) => second.ask('result', runId)));
  first.signal('SIGCONT');
  await Promise.all(runIds.map((runId) => second.ask('result', runId)));
  // It hears of it with its next write. One that has nothing left to write has nothing left to do.
  await until(() => takenOver.every((runId) => isRefused(theatre.lines(), runId)), patienceMs).catch(() => undefined);
  await stop([first, second]);
  return { runIds, takenOver, isBlocked };
}

async function stop(children: readonly Child[]): Promise<void> {
  for (const child of children) child.signal('SIGKILL');
  await Promise.all(children.map(({ ended }) => ended));
}

const isClaimedBy = (lines: readonly ToldLine[], runId: string, pid: number): boolean =>
  lines.some((line) => line.type === 'claim' && line.runId === runId && line.pid === pid);

const isOver = (lines: readonly ToldLine[], runId: string): boolean =>
  lines.some((line) => line.type === 'commit' && line.runId === runId && line.entries.some(({ type }) => type === 'run.landed'));

const isRefused = (lines: readonly ToldLine[], runId: string): boolean =>
  lines.some(
    (line) => line.type === 'halted' && line.runId === runId && line.code === 'RUN_HALTED' && line.cause === 'STORE_CONFLICT',
  );

/** What was done once another process had taken over does not count, and so does not speak of what counts. */
function beforeTakeOver(lines: readonly ToldLine[]): ToldLine[] {
  const owner = new Map<string, number>();
  return lines.filter((line) => {
    if (line.type === 'claim') owner.set(line.runId, line.pid);
    const isAct = line.type === 'call' || line.type === 'hook';
    return !isAct || owner.get(line.runId) === line.pid;
  });
}

interface RoundOptions extends Pick<Scene, 'place' | 'theatre'> {
  readonly lines: readonly ToldLine[];
  readonly runIds: readonly string[];
  readonly calm: ReadonlyMap<string, WitnessedRun>;
}

async function roundDamage({ place, theatre, lines, runIds, calm }: RoundOptions): Promise<string[]> {
  const { store, end } = openStore(place, () => undefined);
  const isOfRound = (runId: string): boolean => runIds.includes(runId);
  const list = async () => ({ runs: (await store.list({ limit: 1_000 })).runs.filter(({ runId }) => isOfRound(runId)) });
  const own = beforeTakeOver(lines.filter(({ runId }) => isOfRound(runId)));
  const runs = await witnessedRuns({ lines: own, effects: theatre.effects(), store: { ...store, list } });
  await end();
  const twice = doubleCommits(lines.filter(({ runId }) => isOfRound(runId)));
  const damaged = [...runs].flatMap(([story, run]) =>
    damageOf(run, calm.get(story)!).map(({ expectation, expected, actual }) => {
      return `"${story}" (${run.runId}) ${expectation}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`;
    }),
  );
  return [...twice, ...damaged];
}

/** Places of a journal that two processes were told they had written. */
function doubleCommits(lines: readonly ToldLine[]): string[] {
  const seen = new Set<string>();
  const twice: string[] = [];
  for (const line of lines) {
    if (line.type !== 'commit') continue;
    for (const { seq } of line.entries) {
      const place = `${line.runId} ${seq}`;
      if (seen.has(place)) twice.push(`entry ${seq} of ${line.runId} was committed twice`);
      seen.add(place);
    }
  }
  return twice;
}

/** The same runs, with nobody frozen. */
async function calmRuns({ scripts, placeIn }: Pick<FreezeOptions, 'scripts' | 'placeIn'>): Promise<Map<string, WitnessedRun>> {
  const theatre = await openTheatre(scripts);
  try {
    const place = placeIn(theatre);
    const child = theatre.start({ kind: 'live', store: place, stories: cast, pace: 0.02, careful: true });
    const { code, errors } = await child.ended;
    if (code !== 0) throw new Error(errors);
    const { store, end } = openStore(place, () => undefined);
    const runs = await witnessedRuns({ lines: theatre.lines(), effects: theatre.effects(), store });
    await end();
    return runs;
  } finally {
    theatre.close();
  }
}
