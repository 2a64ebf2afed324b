import type { OrchestrationProposal, Ticket } from '../../../src/core/ports/proposal.js';
import { proposalOf } from '../../../src/core/testing/sample-proposals.js';
import { type GraphFigures, readIndex } from './data-set.js';

interface IndexEntry extends GraphFigures {
  readonly file: string;
  readonly totalRuntimeSec: number;
  readonly criticalPathSec: number;
}

interface Task {
  readonly id: string;
  readonly name: string;
  readonly parents: readonly string[];
  readonly program?: string;
  readonly runtimeInSeconds: number;
}

/** A measured scientific workflow: a task is a ticket, its program a role, its runtime, to the microsecond, the estimate. */
export interface WorkflowInstance extends IndexEntry {
  readonly proposal: OrchestrationProposal;
}

/** Every workflow that is there. */
export const workflowInstances = (): readonly WorkflowInstance[] =>
  readIndex('wfinstances').map(({ entry, text }) => {
    const { name, tasks } = JSON.parse(text) as { readonly name: string; readonly tasks: readonly Task[] };
    const programs = [...new Set(tasks.map(programOf))];
    const proposal = proposalOf(tasks.map(ticketOf), {
      goal: `Run the workflow ${name}`,
      roles: programs.map((program) => ({ key: program, kind: 'existing', agentId: program })),
      synthesis: { role: programs[0]!, instructions: 'Gather the results.', outputSchema: { type: 'object' } },
    });
    return { ...(entry as IndexEntry), proposal };
  });

// Some programs are command lines with tabs in them, cut off at 60 characters, at times behind a space.
const programOf = ({ program, name }: Task): string => (program ?? name).replaceAll(/\p{Cc}/gu, ' ').trim();

const ticketOf = (task: Task): Ticket => ({
  key: task.id,
  title: task.name,
  role: programOf(task),
  instructions: `Run ${task.name}.`,
  dependsOn: task.parents,
  estimate: { durationMs: Math.round(task.runtimeInSeconds * 1_000_000) / 1_000 },
});
