/**
 * A network of peers: a request goes from triage to whoever can help, who hands it on in turn, until somebody answers. Agents are scripted: it
 * calls no model, and tells the same story each time. Run it: npx tsx examples/support-desk/main.ts
 */
import { createOrchestrator, runFigures, type AgentFunction, type AgentResult, type Assignment } from 'planwright';
import type { Json, JsonObject, Report, StoredError } from 'planwright';

/** What a peer finds in its input besides what it was handed. */
interface Briefing {
  readonly reports: readonly Report[];
  readonly board: { readonly handoffsLeft: number; readonly arbitration?: Arbitration };
}
interface Arbitration {
  readonly message: string;
  readonly from: string;
  readonly wanted: Assignment;
}
interface Turn {
  readonly handed: JsonObject;
  /** Why its last decision was not followed, where it was not. */
  readonly refusal: StoredError | undefined;
}

const maxHandoffs = 3;
const request = 'I was charged twice, and my router is dead!';
const note = (text: string): void => console.log(`           ${text}`);

const asText = (given: Json): string => (JSON.stringify(given) === '{}' ? 'nothing' : JSON.stringify(given));

/** Tells who has the request and what it is told, and lets it decide. A model would sit in `decide`. */
const peer =
  (decide: (turn: Turn) => AgentResult): AgentFunction =>
  async ({ role, stepId, input }) => {
    const { reports, board, ...handed } = input as unknown as Briefing & Readonly<Record<string, Json>>;
    const { handoffsLeft, arbitration } = board;
    console.log(`${role.padEnd(9)}  ${stepId}, given ${asText(handed)}; handoffs left: ${handoffsLeft} of ${maxHandoffs}`);
    const refusal = reports.find(({ outcome }) => outcome === 'refused')?.output as StoredError | undefined;
    if (refusal) note(`told: refused. ${refusal.message}`);
    if (arbitration) note(`told: ${arbitration.from} wanted to hand over to ${arbitration.wanted.role}. ${arbitration.message}`);
    return decide({ handed, refusal });
  };
const handOver = (handoff: Assignment): AgentResult => {
  note(`-> to ${handoff.role}: "${handoff.task}", with ${asText(handoff.input ?? {})}`);
  return { output: null, route: { handoff } };
};
const answer = (output: string): AgentResult => {
  note(`-> answers: "${output}"`);
  return { output, route: { finish: true } };
};

const agents: Record<string, AgentFunction> = {
  // It forgets what billing must have, is told so, and does better.
  triage: peer(({ refusal }) => {
    const task = 'Charged twice, and the router is dead.';
    return handOver({ role: 'billing', task, ...(refusal && { input: { invoice: 'A-17' } }) });
  }),
  billing: peer(({ handed }) => {
    note(`refunds ${handed['invoice'] as string}`);
    return handOver({ role: 'tech', task: 'Refunded. The router is dead.', input: { device: 'router' } });
  }),
  tech: peer(({ handed }) => {
    note(`finds the ${handed['device'] as string} broken`);
    return handOver({ role: 'billing', task: 'Who pays for a new one?', input: { invoice: 'A-17' } });
  }),
  // It decides where peers do not get on, or would go on for too long.
  manager: peer(() => answer('A-17 is refunded, and a new router is on its way. We pay.')),
  clerk: async ({ input }) => ({ output: input['request'] ?? null }),
};

const role = (key: string, description: string) => ({ key, description, kind: 'existing', agentId: key }) as const;
/** The contract of a role: what must come with a task that is handed to it. */
const needs = (name: string) => ({
  inputSchema: { type: 'object', required: [name], properties: { [name]: { type: 'string' } } },
});
const orchestrator = createOrchestrator({ agents });
const { plan, bounds, runId, revision, digest } = await orchestrator.propose({
  schemaVersion: 1,
  goal: 'Help the customer',
  roles: [
    role('triage', 'Reads requests'),
    { ...role('billing', 'Knows invoices'), ...needs('invoice') },
    { ...role('tech', 'Knows devices'), ...needs('device') },
    role('manager', 'Decides where peers do not'),
    role('clerk', 'Sends the answer'),
  ],
  topology: {
    kind: 'network',
    entry: 'triage',
    peers: ['triage', 'billing', 'tech'],
    handoffs: [
      ['triage', 'billing'],
      ['triage', 'tech'],
      ['billing', 'tech'],
      ['tech', 'billing'],
    ],
    arbiter: 'manager',
    maxHandoffs,
    maxDelegations: 0,
  },
  tickets: [{ key: 'request', title: 'Request', role: 'triage', instructions: request }],
  synthesis: { role: 'clerk', instructions: 'Send the answer.', outputSchema: { type: 'string' } },
});
console.log(
  `Goal: ${plan.goal}. Approved with at most ${bounds.steps} steps, and ${maxHandoffs} handoffs.\nCustomer: ${JSON.stringify(request)}\n`,
);
const run = await orchestrator.approve(runId, { revision, digest, approvedBy: { kind: 'user', id: 'ada' } });
const { status, deliverable } = await run.result();

console.log(`\nThe run is ${status}: ${JSON.stringify(deliverable)}`);
console.log('\nWhat was decided, and why it went otherwise:');
for (const { id, role: who = '', decision, refusals = [] } of run.view().steps) {
  if (decision) console.log(`  ${id} ${who.padEnd(8)} ${[decision.reason, ...refusals.map(({ code }) => code)].join(': ')}`);
}
const { handoffs, refusals } = runFigures(plan, run.view()).coordination;
console.log(`\n${handoffs} times it was given to a peer, the first time included; ${refusals} decisions were refused.`);
await orchestrator.close();
