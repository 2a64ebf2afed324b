import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import {
  createOrchestrator,
  isPlanwrightError,
  parseProposal,
  planProposal,
  toMermaid,
  type Proposed,
  type Run,
  type RunResult,
} from 'planwright';

import { agentsFor, workspace } from './agents.js';
import { answerGates, ask, isAttended } from './ask.js';
import { showPlan } from './show-plan.js';
import { showProgress } from './show-progress.js';
import { showRun } from './show-run.js';
import { bold, heading, red } from './text.js';

const usage = `Usage: npm start -- [FILE] [--approve] [--out DIR]

  FILE       a proposal as JSON (default: the market study beside this program)
  --approve  approve the plan that is shown, without asking
  --out DIR  where the deliverable and the drawing go (default: planwright-out)`;

const options = {
  approve: { type: 'boolean', default: false },
  out: { type: 'string', default: 'planwright-out' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const text = await readFile(positionals[0] ?? fileURLToPath(new URL('proposal.json', import.meta.url)), 'utf8');
  const orchestrator = createOrchestrator({ agents: offlineAgents(text), workspace });
  const proposed = await orchestrator.propose(text);
  console.log(showPlan(proposed));
  if (!(values.approve || (await isApproved()))) return 0;

  const { runId, revision, digest } = proposed;
  const run = await orchestrator.approve(runId, { revision, digest, approvedBy: { kind: 'user', id: userInfo().username } });
  process.once('SIGINT', () => void run.cancel({ reason: 'interrupted at the terminal' }));
  console.log(heading('Run'));
  await Promise.all([showProgress(run, proposed.plan.steps.length), answerGates(run)]);
  const result = await run.result();
  console.log(showRun(run.view()));
  await writeResults({ proposed, run, result, folder: join(values.out, runId) });
  await orchestrator.close();
  return result.status === 'completed' ? 0 : 1;
}

/** Agents for whatever roles the file names. What is wrong with the file is for `propose` to say. */
function offlineAgents(text: string) {
  const parsed = parseProposal(text);
  const plan = parsed.ok ? planProposal(parsed.value) : parsed;
  return plan.ok ? agentsFor(plan.value) : {};
}

async function isApproved(): Promise<boolean> {
  if (isAttended()) return await ask(bold('Approve this plan?'));
  console.log(`\n${bold('Not approved.')} There is no terminal to ask at. To run it: npm start -- --approve`);
  return false;
}

interface Results {
  readonly proposed: Proposed;
  readonly run: Run;
  readonly result: RunResult;
  readonly folder: string;
}

/** Writes the deliverable, as JSON and, where it holds a document, as Markdown, and the plan as a drawing of how it went. */
async function writeResults({ proposed, run, result, folder }: Results): Promise<void> {
  const statuses = new Map(run.view().steps.map(({ id, status }) => [id, status]));
  const files: [string, string][] = [['plan.mmd', toMermaid(proposed.plan, { statuses })]];
  if (result.deliverable !== undefined) files.push(['deliverable.json', `${JSON.stringify(result.deliverable, null, 2)}\n`]);
  const document = (result.deliverable as { readonly document?: unknown } | null | undefined)?.document;
  if (typeof document === 'string') files.push(['deliverable.md', document]);
  await mkdir(folder, { recursive: true });
  for (const [name, content] of files) {
    await writeFile(join(folder, name), content);
    console.log(`wrote ${join(folder, name)}`);
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  // A mistake in the file or in the arguments is the reader's to mend; anything else shows where it came from.
  const isTheirs = isPlanwrightError(error) || (error instanceof Error && 'code' in error);
  console.error(isTheirs ? red((error as Error).message) : error);
  process.exitCode = 2;
}
