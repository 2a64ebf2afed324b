/**
 * A supervisor and its workers: a lead has code written, reviewed and tested, and has it done again until both are content. Agents are scripted
 * and time is virtual: it takes a second, calls no model, and tells the same story each time. Run it: npx tsx examples/review-loop/main.ts
 */
import { createOrchestrator, runFigures, type AgentFunction, type AgentResult, type Assignment } from 'planwright';
import type { Json, Report } from 'planwright';
import { createVirtualClock } from 'planwright/testing';

const clock = createVirtualClock({ startAt: 0 });
/** `2:05` for two hours and five minutes. */
const inHours = (ms: number): string => `${Math.floor(ms / 3_600_000)}:${String((ms / 60_000) % 60).padStart(2, '0')}`;
const tell = (who: string, text: string): void => console.log(`${inHours(clock.now())}  ${who.padEnd(8)}  ${text}`);
const note = (text: string): void => console.log(`${' '.repeat(16)}${text}`);

interface Task {
  readonly delegationId: string;
  readonly role: string;
}
interface Briefing {
  readonly reports: readonly Report[];
  readonly board: { readonly done: readonly Task[]; readonly inProgress: readonly Task[]; readonly round: number };
}
interface Check {
  readonly passed: boolean;
  readonly finding: string;
}
const named = (tasks: readonly Task[]): string => tasks.map(({ role, delegationId }) => `${role} ${delegationId}`).join(', ');
const maxRounds = 8;

/** Decides what comes next. It keeps one conversation (`clear: false`), so it remembers what it was told. A model would sit here. */
function createLead(): AgentFunction {
  let code: Report | undefined;
  let checks: (Check & { readonly id: string })[] = [];
  const delegate = (...assignments: readonly Assignment[]): AgentResult => {
    for (const { role, task } of assignments) note(`-> ${role}: ${task}`);
    return { output: null, route: { delegate: assignments } };
  };
  return async ({ input }) => {
    const { reports, board } = input as unknown as Briefing;
    tell('lead', `decides, in round ${board.round} of ${maxRounds}`);
    note(`board: ${board.done.length} done, ${board.inProgress.length} in progress ${named(board.inProgress)}`.trimEnd());
    for (const report of reports) {
      const check = report.output as unknown as Check;
      if (report.role === 'coder') [code, checks] = [report, []];
      else checks.push({ id: report.delegationId, ...check });
      note(`told:  ${named([report])}: ${report.role === 'coder' ? (report.output as string) : check.finding}`);
    }
    if (!code) return delegate({ role: 'coder', task: 'Write the CSV export.' });
    const from = [code.delegationId];
    if (checks.length === 0)
      return delegate({ role: 'reviewer', task: 'Review it.', from }, { role: 'tester', task: 'Test it.', from });
    if (board.inProgress.length > 0) {
      note('-> waits for the other, which costs no round');
      return { output: null, route: { delegate: [] } };
    }
    const failed = checks.filter(({ passed }) => !passed);
    if (failed.length > 0)
      return delegate({ role: 'coder', task: 'Mend what they found.', from: [...from, ...failed.map(({ id }) => id)] });
    note('-> finishes');
    return { output: code.output, route: { finish: true } };
  };
}

interface Made {
  readonly output: Json;
  readonly says: string;
}
type Inputs = Readonly<Record<string, Json>>;

/** Whoever works takes its time, then says what came of what it was given. */
const worker =
  (minutes: number, work: (input: Inputs) => Made): AgentFunction =>
  async ({ role, stepId, input }, { signal }) => {
    await clock.sleep(minutes * 60_000, { signal });
    const { output, says } = work(input);
    tell(role, `${stepId}: ${says}`);
    return { output };
  };
const hasVersion = (input: Inputs, version: 1 | 2): boolean => Object.values(input).includes(`version ${version}`);
const checked = (passed: boolean, finding: string): Made => ({
  output: { passed, finding },
  says: `${passed ? 'passed' : 'failed'}. ${finding}`,
});

const agents: Record<string, AgentFunction> = {
  lead: createLead(),
  coder: worker(40, (input) => {
    const output = hasVersion(input, 1) ? 'version 2' : 'version 1';
    return { output, says: `here is ${output}.` };
  }),
  reviewer: worker(30, () => checked(true, 'It is easy to read.')),
  tester: worker(10, (input) =>
    hasVersion(input, 2) ? checked(true, 'All 12 tests are green.') : checked(false, 'A comma in a name breaks its row.'),
  ),
  // It is told why its note did not pass, and does better.
  writer: worker(5, ({ rework, export: version }) => {
    const output = rework ? `Exports CSV as of ${version as string}.` : 'Exports CSV.';
    return { output, says: `"${output}"` };
  }),
  // Code that checks, and no model.
  checker: worker(1, ({ result }) => {
    const verified = /version \d/.test(result as string);
    const reasons = verified ? [] : ['It does not name the version.'];
    return { output: { verified, reasons }, says: verified ? 'verified.' : `not verified. ${reasons.join(' ')}` };
  }),
};

const role = (key: string, description: string) => ({ key, description, kind: 'existing', agentId: key }) as const;
const orchestrator = createOrchestrator({ agents, clock });
const { plan, bounds, runId, revision, digest } = await orchestrator.propose({
  schemaVersion: 1,
  goal: 'Ship the CSV export',
  roles: [
    { ...role('lead', 'Decides what comes next'), clear: false },
    role('coder', 'Writes code'),
    role('reviewer', 'Reads code'),
    role('tester', 'Tries code'),
    role('writer', 'Writes the release note'),
    role('checker', 'Checks the release note'),
  ],
  topology: {
    kind: 'supervisor-worker',
    supervisor: 'lead',
    workers: ['coder', 'reviewer', 'tester'],
    maxRounds,
    maxParallel: 2,
  },
  tickets: [{ key: 'export', title: 'CSV export', role: 'lead', instructions: 'Ship a CSV export that works.' }],
  synthesis: {
    role: 'writer',
    instructions: 'Write the release note.',
    outputSchema: { type: 'string' },
    verify: { role: 'checker', instructions: 'Does it name the version?' },
  },
});
console.log(`Goal: ${plan.goal}. Approved with at most ${bounds.steps} steps, ${bounds.delegations} delegations among them.\n`);
const run = await orchestrator.approve(runId, { revision, digest, approvedBy: { kind: 'user', id: 'ada' } });
const { status, deliverable, isVerified } = await clock.runUntil(run.result());

console.log(
  `\nThe run is ${status}, and its deliverable is ${isVerified ? 'verified' : 'not verified'}: ${JSON.stringify(deliverable)}`,
);
console.log('\nWhat was decided, and what was added for it:');
for (const { id, decision } of run.view().steps)
  if (decision) console.log(`  ${id}: ${decision.reason}${decision.to.length > 0 ? ` -> ${decision.to.join(', ')}` : ''}`);
const { wallMs, serialMs, criticalPath, coordination } = runFigures(plan, run.view());
const { decisions, delegations, reports, messages } = coordination;
console.log(`\nTime:      ${inHours(wallMs)} hours; the same work one after the other: ${inHours(serialMs)}`);
console.log(`Messages:  ${messages}, of which ${delegations} delegations and ${reports} reports; ${decisions} decisions`);
console.log(`The chain that took longest:\n  ${criticalPath.steps.join(' > ')}`);
await clock.runUntil(orchestrator.close());
