import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import {
  createOrchestrator,
  currentRevision,
  isPlanwrightError,
  parseProposal,
  planProposal,
  toMermaid,
  type AgentFunction,
  type Orchestrator,
  type Plan,
  type Run,
  type RunStore,
} from 'planwright';
import { createSqliteStore } from 'planwright/storage/sqlite';

import { agentsFor, workspace } from './agents.js';
import { answerQuestions, ask, isAttended } from './ask.js';
import { showPlan } from './show-plan.js';
import { showProgress } from './show-progress.js';
import { showInterrupted, showRun } from './show-run.js';
import { bold, dim, heading, red } from './text.js';

const usage = `Usage: npm start -- [FILE] [--approve] [--crash-after N] [--out DIR]

  FILE             a proposal as JSON (default: the market study beside this program)
  --approve        approve the plan that is shown, without asking
  --crash-after N  kill this process when N steps are done; the next start goes on with the run
  --out DIR        where runs are kept, and where the deliverable and the drawing go (default: planwright-out)`;

const options = {
  approve: { type: 'boolean', default: false },
  'crash-after': { type: 'string' },
  out: { type: 'string', default: 'planwright-out' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const { out } = values;
  const [file] = positionals;
  const crashAfter = Number(values['crash-after'] ?? Infinity);
  if (!(crashAfter >= 1)) {
    console.error(red(`--crash-after takes a number from 1, not "${values['crash-after']}"`));
    return 2;
  }
  const text = await readFile(file ?? fileURLToPath(new URL('proposal.json', import.meta.url)), 'utf8');
  await mkdir(out, { recursive: true });
  const kept = join(out, 'runs.db');
  const store = createSqliteStore({ path: kept });
  const orchestrator = createOrchestrator({ store, agents: await agentsAtHand(store, text), workspace });
  const seeThroughHere = (run: Run, after: number) => seeThrough(run, { orchestrator, out, crashAfter, after });
  try {
    console.log(dim(`Runs are kept in ${kept}`));
    // What an earlier process has left comes first.
    const interrupted = await orchestrator.recover();
    let areCompleted = true;
    for (const run of interrupted) {
      const view = run.view();
      console.log(showInterrupted(view));
      areCompleted &&= await seeThroughHere(run, view.seq);
    }
    if (interrupted.length > 0 && file === undefined) return areCompleted ? 0 : 1;
    const run = await start(orchestrator, { text, isApproved: values.approve });
    if (run) areCompleted &&= await seeThroughHere(run, 0);
    return areCompleted ? 0 : 1;
  } finally {
    await orchestrator.close();
    await store.close();
  }
}

/** Agents for whatever roles the file names, and those of runs that are under way. What is wrong with the file is for `propose` to say. */
async function agentsAtHand(store: RunStore, text: string): Promise<Record<string, AgentFunction>> {
  const agents = agentsOf(text);
  for (const { runId } of (await store.list({ open: true })).runs) {
    const [proposed] = await store.journal(runId, { limit: 1 });
    if (proposed?.type === 'run.proposed') Object.assign(agents, agentsOf(proposed.proposal));
  }
  return agents;
}

function agentsOf(proposal: unknown): Record<string, AgentFunction> {
  const plan = planOf(proposal);
  return plan ? agentsFor(plan) : {};
}

function planOf(proposal: unknown): Plan | undefined {
  const parsed = parseProposal(proposal);
  const planned = parsed.ok ? planProposal(parsed.value) : parsed;
  return planned.ok ? planned.value : undefined;
}

/** Proposes what the file says, shows it, and starts it when it is approved. */
async function start(
  orchestrator: Orchestrator,
  { text, isApproved }: { readonly text: string; readonly isApproved: boolean },
): Promise<Run | undefined> {
  const proposed = await orchestrator.propose(text);
  const { runId, revision, digest } = proposed;
  console.log(showPlan(proposed));
  if (isApproved || (await isApprovedNow())) {
    return orchestrator.approve(runId, { revision, digest, approvedBy: { kind: 'user', id: userInfo().username } });
  }
  const run = await orchestrator.run(runId);
  await run.cancel({ reason: 'not approved' });
  return undefined;
}

async function isApprovedNow(): Promise<boolean> {
  if (isAttended()) return await ask(bold('Approve this plan?'));
  console.log(`\n${bold('Not approved.')} There is no terminal to ask at. To run it: npm start -- --approve`);
  return false;
}

interface Watching {
  readonly orchestrator: Orchestrator;
  readonly out: string;
  readonly crashAfter: number;
  /** `seq` of the last event that an earlier process has shown. */
  readonly after: number;
}

/** Shows a run while it goes on, answers what it asks, and writes what came of it. Gives whether it was completed. */
async function seeThrough(run: Run, { orchestrator, out, ...progress }: Watching): Promise<boolean> {
  const cancel = () => void run.cancel({ reason: 'interrupted at the terminal' });
  process.once('SIGINT', cancel);
  console.log(heading('Run'));
  await Promise.all([showProgress(run, progress), answerQuestions(run)]);
  const { status, deliverable } = await run.result();
  process.off('SIGINT', cancel);
  console.log(showRun(run.view(), run.durability()));
  const plan = planOf(currentRevision(await orchestrator.history(run.runId)).proposal);
  const statuses = new Map(run.view().steps.map((step) => [step.id, step.status]));
  await writeFiles(join(out, run.runId), {
    ...(plan && { 'plan.mmd': toMermaid(plan, { statuses }) }),
    ...(deliverable !== undefined && { 'deliverable.json': `${JSON.stringify(deliverable, null, 2)}\n` }),
    ...documentOf(deliverable),
  });
  return status === 'completed';
}

/** The deliverable as Markdown, where it holds a document. */
function documentOf(deliverable: unknown): Readonly<Record<string, string>> {
  const document = (deliverable as { readonly document?: unknown } | null | undefined)?.document;
  return typeof document === 'string' ? { 'deliverable.md': document } : {};
}

async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
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
