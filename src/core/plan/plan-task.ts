import type { Plan } from '../ports/plan.js';
import type { Effect, ExecutionSpec, ProposalContext } from '../ports/proposal.js';
import type { Issue } from '../shared/issue.js';
import type { JsonObject } from '../shared/json.js';
import { InvariantError, listIssues } from '../shared/error.js';
import { definePlan } from './define-plan.js';
import { executionOf } from './step-defaults.js';

/** One task for one agent. */
export interface Task extends ExecutionSpec {
  readonly instructions: string;
  /** Values for the agent, by name. */
  readonly input?: JsonObject;
  /** Default: `idempotent`. */
  readonly effect?: Effect;
  /** Tools that the agent may use. Default: none. */
  readonly tools?: readonly string[];
  readonly context?: ProposalContext;
}

/** The plan of one task for one agent: a step `task`, whose output is the deliverable. */
export function planTask(agentId: string, task: Task): Plan {
  const { instructions, input, effect = 'idempotent', tools, context, budget } = task;
  const plan = definePlan({
    goal: instructions,
    roles: [{ key: 'agent', kind: 'existing', agentId, ...(tools && { tools }) }],
    steps: [
      {
        id: 'task',
        kind: 'ticket',
        title: 'Task',
        role: 'agent',
        instructions,
        effect,
        ...(input && { given: input }),
        ...executionOf(task),
      },
    ],
    ...(context && { context }),
    ...(budget && { budget }),
  });
  if (plan.ok) return plan.value;
  throw new InvariantError(`The task could not be planned.${listIssues(plan.error satisfies Issue[])}`);
}
