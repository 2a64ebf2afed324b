import type { OrchestrationProposal, Priority, Ticket } from '../../../src/core/ports/proposal.js';
import { proposalOf } from '../../../src/core/testing/sample-proposals.js';
import { type GraphFigures, readIndex } from './data-set.js';

interface IndexEntry extends GraphFigures {
  readonly file: string;
  readonly tag: string;
  readonly withSubtasks: GraphFigures;
}

interface Task {
  readonly id: number | string;
  readonly title: string;
  readonly description?: string;
  readonly details?: string;
  readonly testStrategy?: string;
  readonly priority?: 'low' | 'medium' | 'high';
  /** Of a subtask: its siblings' ids, or `<task>.<subtask>`. */
  readonly dependencies?: readonly (number | string)[];
  readonly subtasks?: readonly Task[];
}

/** A plan as Task Master keeps it. */
export interface TaskMasterPlan extends IndexEntry {
  /** A ticket for each task. */
  readonly proposal: OrchestrationProposal;
  /** A ticket for each task and subtask; a subtask waits for what its task waits for, and the task for it. */
  readonly flattened: OrchestrationProposal;
}

/** Every plan that is there. */
export const taskMasterPlans = (): readonly TaskMasterPlan[] =>
  readIndex('taskmaster').map(({ entry, text }) => {
    const file = JSON.parse(text) as Readonly<Record<string, unknown>>;
    // Newer files keep a list of tasks under each tag, older ones a single list at the root.
    const { tasks } = (file[(entry as IndexEntry).tag] ?? file) as { readonly tasks: readonly Task[] };
    return {
      ...(entry as IndexEntry),
      proposal: planOf(tasks.map((task) => taskTicket(task, []))),
      flattened: planOf(tasks.flatMap(flatten)),
    };
  });

const planOf = (tickets: readonly Ticket[]): OrchestrationProposal =>
  proposalOf(tickets, {
    goal: 'Build the project',
    roles: [{ key: 'developer', kind: 'existing', agentId: 'developer' }],
    synthesis: { role: 'developer', instructions: 'Sum up what was built.', outputSchema: { type: 'object' } },
  });

function flatten(task: Task): readonly Ticket[] {
  const subtasks = task.subtasks ?? [];
  const idOf = (id: number | string): string => (String(id).includes('.') ? String(id) : `${task.id}.${id}`);
  return [
    ...subtasks.map((subtask) => ({
      ...ticketOf(subtask, idOf(subtask.id)),
      dependsOn: [...new Set([...(task.dependencies ?? []).map(String), ...(subtask.dependencies ?? []).map(idOf)])],
    })),
    taskTicket(
      task,
      subtasks.map(({ id }) => idOf(id)),
    ),
  ];
}

const taskTicket = (task: Task, subtasks: readonly string[]): Ticket => ({
  ...ticketOf(task, String(task.id)),
  dependsOn: [...(task.dependencies ?? []).map(String), ...subtasks],
});

const ticketOf = ({ title, description, details, testStrategy, priority }: Task, key: string): Ticket => ({
  key,
  title,
  role: 'developer',
  instructions: [description, details, testStrategy && `Done when:\n${testStrategy}`].filter(Boolean).join('\n\n') || title,
  ...(priority !== undefined && { priority: priorities[priority] }),
});

const priorities: Readonly<Record<NonNullable<Task['priority']>, Priority>> = { low: 'low', medium: 'normal', high: 'high' };
