import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of the checkout, by its path from the root with `/`, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** The root of the checkout. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

const read = (path: string): SourceFile => ({ path, text: readFileSync(join(root, path), 'utf8') });

/** Every TypeScript file below `src`. */
export const sourceFiles = (): readonly SourceFile[] =>
  readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((path) => `src/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map(read);

/** Every text file that is committed; `undefined` where the checkout has no git history, as in an unpacked archive. */
export function trackedFiles(): readonly SourceFile[] | undefined {
  let list: string;
  try {
    list = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return undefined;
  }
  const present = new Set(readdirSync(root, { recursive: false, encoding: 'utf8' }));
  return list
    .split('\0')
    .filter((path) => path !== '' && present.has(path.split('/')[0] ?? ''))
    .flatMap((path) => {
      try {
        return [read(path)];
      } catch {
        return []; // deleted in the work tree and not yet in a commit
      }
    });
}
