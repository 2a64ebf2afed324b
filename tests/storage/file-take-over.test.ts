import { createFileStore } from 'planwright/storage/file';
import { afterEach, expect, it, vi } from 'vitest';

import { useDirectories } from './support/file-directories.js';
import { expectProgress } from './support/file-progress.js';
import { noProgress, playScenario, type Progress } from './support/file-scenario.js';
import { startTaker, type Taker, type TakerAnswer } from './support/file-take-over.js';
import { tapFiles } from './support/file-tap.js';

const directories = useDirectories({ isVolatile: true });
const isLong = process.env['PLANWRIGHT_LONG'] === '1';
vi.setConfig({ testTimeout: 900_000, hookTimeout: 900_000 });
afterEach(() => directories.clear());

interface Outcome {
  readonly taken: TakerAnswer | undefined;
  /** Calls on files that there were. */
  readonly calls: number;
  /** Of errors that the old holder got. */
  readonly codes: ReadonlySet<unknown>;
}

/** Plays the scenario, and lets another take the directory over before one of its calls on files. */
async function playWithTaker(
  { directory, progress }: { directory: string; progress: Progress },
  { taker, moment }: { taker: Taker; moment: number },
): Promise<Outcome> {
  const codes = new Set<unknown>();
  let calls = 0;
  let taken: TakerAnswer | undefined;
  const before = (): void => {
    calls += 1;
    if (calls === moment) taken = taker.takeOver(directory);
  };
  await tapFiles({ before }, () =>
    playScenario(directory, progress, { note: (error) => codes.add((error as { code?: unknown }).code) }),
  );
  return { taken, calls, codes };
}

it('CX-18: whoever is passed over keeps what it was told is written, and is told so of nothing else, whatever it was doing', async () => {
  const taker = startTaker();
  // Before the first call there is no directory.
  let moment = 2;
  for (; ; moment += isLong ? 1 : 3) {
    const directory = directories.next();
    const progress = noProgress();
    const { taken, calls, codes } = await playWithTaker({ directory, progress }, { taker, moment });
    if (calls < moment) break;
    if (!taken) return expect.fail(`nobody took over before call ${moment}`);
    const { found, written } = taken;
    const told = [...progress.acknowledged].flatMap(([runId, seq]) =>
      Array.from({ length: seq }, (_, index) => `${runId} ${index + 1}`),
    );
    // The new holder has found all of it; so what it wrote itself it wrote alone.
    expect([moment, told.filter((entry) => !found.includes(entry))]).toEqual([moment, []]);
    expect([moment, [...codes].filter((code) => code !== 'STORE_UNAVAILABLE')]).toEqual([moment, []]);
    taker.close();
    for (const runId of ['a', 'b']) {
      const seq = [...found, ...written].filter((entry) => entry.startsWith(runId)).length;
      progress.acknowledged.set(runId, seq);
      progress.attempted.set(runId, seq);
    }
    const store = createFileStore({ directory });
    await expectProgress(store, progress);
    await store.close();
    directories.clear();
  }
  // Or else it was not passed over while it wrote its log anew.
  expect(moment).toBeGreaterThan(60);
});
