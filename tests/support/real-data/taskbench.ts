import { readData } from './data-set.js';

interface PlanFile {
  readonly id: string;
  readonly user_request: string;
  readonly task_nodes: readonly { readonly task: unknown; readonly arguments?: unknown }[];
  /** As a model wrote them: endpoints may be missing, numbers, or names of no node. */
  readonly task_links: readonly { readonly source?: unknown; readonly target?: unknown }[];
}

/** A tool plan that a model wrote, as the proposal that it would be. It may well be unsound. */
export interface ToolPlan {
  readonly id: string;
  readonly input: unknown;
  /** Faults that the file lists; none in the clean set. */
  readonly faults: readonly string[];
}

/** The faults that dirty.jsonl lists, and the issue that each must lead to. */
export const issueCodes: ReadonlyMap<string, string> = new Map([
  ['duplicate-node-name', 'duplicate-ticket'],
  ['unknown-tool', 'unknown-role'],
  ['unknown-endpoint', 'unknown-dependency'],
  ['cycle', 'dependency-cycle'],
  ['self-loop', 'self-dependency'],
  ['duplicate-edge', 'duplicate-dependency'],
  ['non-string-endpoint', 'wrong-type'],
]);

/** Plans without a fault. */
export function cleanToolPlans(): readonly ToolPlan[] {
  const suites = ['huggingface', 'multimedia'].map(toolsOf);
  return linesOf('taskbench/clean.jsonl').map((line) => {
    const plan = line as PlanFile;
    // The file doesn't say whose tools a plan uses; only one suite has them all.
    const tools = suites.find((suite) => plan.task_nodes.every(({ task }) => suite.includes(String(task)))) ?? [];
    return { id: plan.id, input: proposalInput(plan, tools), faults: [] };
  });
}

/** Plans with at least one fault. */
export const dirtyToolPlans = (): readonly ToolPlan[] =>
  linesOf('taskbench/dirty.jsonl').map((line) => {
    const { plan, _file, _line, _issues } = line as { plan: PlanFile; _file: string; _line: number; _issues: readonly string[] };
    return { id: `${_file}:${_line}`, input: proposalInput(plan, toolsOf(_file.split('.')[0]!)), faults: _issues };
  });

const linesOf = (path: string): readonly unknown[] =>
  (readData(path) ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);

const toolsOf = (suite: string): readonly string[] =>
  (JSON.parse(readData(`taskbench/${suite}.tool_desc.json`) ?? '{"nodes":[]}') as { nodes: { id: string }[] }).nodes.map(
    ({ id }) => id,
  );

/** A node is a ticket named after its tool, the tool its role; what a link says goes into `dependsOn` as it is. */
function proposalInput(plan: PlanFile, tools: readonly string[]): unknown {
  const names = plan.task_nodes.map(({ task }) => task);
  const dependsOn = dependenciesOf(plan, names);
  return {
    schemaVersion: 1,
    goal: plan.user_request,
    roles: [...tools, answerer].map((key) => ({ key, kind: 'existing', agentId: key })),
    tickets: plan.task_nodes.map((node, index) => ({
      key: node.task,
      title: `Call ${String(node.task)}`,
      role: node.task,
      instructions: `Call ${String(node.task)} with ${JSON.stringify(node.arguments ?? [])}.`,
      dependsOn: dependsOn[index],
    })),
    topology: { kind: 'graph' },
    synthesis: { role: answerer, instructions: 'Answer the request.', outputSchema: { type: 'object' } },
  };
}

const answerer = 'the answer';

/**
 * A link belongs to the nodes it points at. One that points at nothing known is kept at the node it comes from, and one that
 * is loose at both ends at the first node, so that no fault gets lost on the way.
 */
function dependenciesOf({ task_links: links }: PlanFile, names: readonly unknown[]): readonly (readonly unknown[])[] {
  const dependsOn = names.map((): unknown[] => []);
  const seen = new Set<string>();
  for (const { source = null, target = null } of links) {
    const link = JSON.stringify([source, target]);
    const isRepeated = seen.has(link) && names.includes(source) && names.includes(target);
    seen.add(link);
    const place = (node: unknown, name: unknown): void => {
      const nodes = names.flatMap((known, index) => (known === node ? [index] : []));
      // Loose ends may come together at one node without being one link written twice; the file doesn't count those either.
      for (const index of nodes) if (isRepeated || !dependsOn[index]!.includes(name)) dependsOn[index]!.push(name);
    };
    if (names.includes(target)) place(target, source);
    else if (names.includes(source)) place(source, target);
    else for (const end of [source, target]) place(names[0], end);
  }
  return dependsOn;
}
