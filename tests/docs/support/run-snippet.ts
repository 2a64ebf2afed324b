import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';

import { root } from '../../architecture/support/source-files.js';
import { snippetFolder } from './snippets.js';
import type { Snippet } from './snippets.js';

const execute = promisify(execFile);

/** Runs a snippet as a reader would, in a process of its own, and gives what it printed. Ends after 30 seconds. */
export async function runSnippet({ fileName, code }: Snippet): Promise<string> {
  mkdirSync(snippetFolder, { recursive: true });
  writeFileSync(fileName, code);
  const { stdout } = await execute(process.execPath, ['--import', 'tsx', fileName], {
    cwd: root,
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  return stdout.trim();
}
