import type { Artifact, ArtifactStore } from '../ports/artifact.js';
import { sha256Hex } from '../shared/digest.js';
import { type ConformanceCase, expectSame } from './conformance-case.js';

const artifactOf = (runId: string, content: string): Artifact => ({ runId, address: `sha256:${sha256Hex(content)}`, content });

interface Rule {
  readonly name: string;
  readonly check: (store: ArtifactStore) => Promise<void>;
}

const artifactCase = ({ name, check }: Rule): ConformanceCase<ArtifactStore> => ({
  name,
  run: async (create) => check(await create()),
});

async function expectContent(store: ArtifactStore, { content, ...key }: Artifact): Promise<void> {
  const found = await store.get(key);
  // Not by its text: what is expected may have megabytes.
  const seen = { found: found !== undefined, isSame: found === content };
  expectSame(`the content of ${key.address} of run "${key.runId}"`, { actual: seen, expected: { found: true, isSame: true } });
}

async function expectNothing(store: ArtifactStore, { runId, address }: Artifact): Promise<void> {
  expectSame(`${address} of run "${runId}"`, { actual: (await store.get({ runId, address })) ?? 'nothing', expected: 'nothing' });
}

/** Ids that a careless store takes for paths, for each other, or for members of an object. */
const hostileIds = [
  ...['..', '../other', 'a/b', 'a\\b', 'a:b', 'a b', 'a_b', '', '.', '/', '~', 'CON', 'run.json', '%2e%2e'],
  ...['__proto__', 'constructor', 'Run', 'run', 'RUN', 'l\u00E4uft', 'la\u0308uft', '走', 'x'.repeat(300), `${'x'.repeat(300)}y`],
];

/** What every {@link ArtifactStore} must do. Run each case with a factory that makes an empty store. */
export const artifactStoreConformance: readonly ConformanceCase<ArtifactStore>[] = [
  {
    name: 'has nothing that was not put there',
    check: (store: ArtifactStore) => expectNothing(store, artifactOf('run', '"never"')),
  },
  {
    name: 'gives what was put there, to the last character',
    async check(store: ArtifactStore) {
      const texts = [
        '""',
        '{"a":1}',
        '"läuft 走 🚀 \\u0000 \\r\\n"',
        '" \u2028 \u0085 \uFEFF"',
        '\uFEFF"begins with a mark"',
        ' [1,2] \n',
      ];
      for (const text of texts) await store.put(artifactOf('run', text));
      for (const text of texts) await expectContent(store, artifactOf('run', text));
    },
  },
  {
    name: 'keeps five megabytes',
    async check(store: ArtifactStore) {
      const large = artifactOf('run', `"${'0123456789ä走'.repeat(350_000)}"`);
      await store.put(large);
      await expectContent(store, large);
    },
  },
  {
    name: 'takes the same artifact again, after another and at the same time',
    async check(store: ArtifactStore) {
      const [one, other] = [artifactOf('run', '"one"'), artifactOf('run', '"other"')];
      await store.put(one);
      await store.put(other);
      await Promise.all(Array.from({ length: 10 }, () => store.put(one)));
      await expectContent(store, one);
      await expectContent(store, other);
    },
  },
  {
    name: 'gives whole content, or none, while the same is being put',
    async check(store: ArtifactStore) {
      const large = artifactOf('run', `"${'x'.repeat(1_000_000)}"`);
      const puts = Promise.all(Array.from({ length: 5 }, () => store.put(large)));
      for (let look = 0; look < 20; look += 1) {
        const found = await store.get(large);
        expectSame('what is found meanwhile', { actual: found === undefined || found === large.content, expected: true });
      }
      await puts;
      await expectContent(store, large);
    },
  },
  {
    name: 'keeps runs apart: the same content in one is not there in another',
    async check(store: ArtifactStore) {
      for (const runId of hostileIds) {
        await expectNothing(store, artifactOf(runId, '"same"'));
        await store.put(artifactOf(runId, '"same"'));
        await store.put(artifactOf(runId, JSON.stringify(runId)));
      }
      for (const runId of hostileIds) {
        await expectContent(store, artifactOf(runId, JSON.stringify(runId)));
        const strangers = hostileIds.filter((other) => other !== runId).slice(0, 3);
        for (const other of strangers) await expectNothing(store, artifactOf(runId, JSON.stringify(other)));
      }
    },
  },
  {
    name: 'deletes the artifacts of one run and of no other, and can be asked twice',
    async check(store: ArtifactStore) {
      const [mine, yours] = [artifactOf('run-1', '"same"'), artifactOf('run-10', '"same"')];
      await store.deleteRun('run-1');
      await store.put(mine);
      await store.put(yours);
      await store.deleteRun('run-1');
      await store.deleteRun('run-1');
      await expectNothing(store, mine);
      await expectContent(store, yours);
      await store.put(mine);
      await expectContent(store, mine);
    },
  },
].map(artifactCase);
