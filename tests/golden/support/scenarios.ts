import type { AgentFunction, OrchestrationProposal, Orchestrator, Run } from 'planwright';
import type { VirtualClock } from 'planwright/testing';

import { ada, ticket, tickets } from '../../running/support/world.js';

/** One run as it was when its process ended, and how it goes on. */
export interface Scenario {
  readonly name: string;
  readonly proposal: OrchestrationProposal;
  /** Brings the run to where it is left. */
  readonly leave: (world: ScenarioWorld & { readonly run: Run }) => Promise<void>;
  /** What a person does once the run was taken up. */
  readonly goOn?: (run: Run) => Promise<void>;
  /** How it ends. */
  readonly status: 'completed' | 'failed' | 'cancelled' | 'proposed';
  /** Statuses of its steps at the end. */
  readonly steps: Readonly<Record<string, string>>;
}

export interface ScenarioWorld {
  readonly orchestrator: Orchestrator;
  readonly clock: VirtualClock;
}

const by = ada;
const compensation = { role: 'worker', instructions: 'Undo it.' };
const chain = (parts: Parameters<typeof ticket>[1] = {}) => [
  ticket('a', { compensation }),
  ticket('b', { dependsOn: ['a'], input: { from: ['a'] }, ...parts }),
  ticket('c', { dependsOn: ['b'] }),
];
const all = (status: string) => ({ a: status, b: status, c: status, synthesis: status });

/**
 * Steps named in the goal as `hang:x` never end in the first process. The second knows no such thing. `fail:x` fails for good in both.
 */
export const agentOf =
  ({ isFirst }: { readonly isFirst: boolean }): AgentFunction =>
  async ({ stepId, kind, runId, attempt }, context) => {
    const hangs = isFirst && runId.includes(`hang-${kind === 'compensation' ? 'undo-' : ''}${stepId}.`);
    const once = await context.once('ticket', () => `${stepId} opened in attempt ${attempt}`);
    for (let line = 0; line < (runId.includes('talk') ? 100 : 1); line += 1) context.progress(`line ${line}`);
    if (hangs) await new Promise(() => undefined);
    if (runId.includes(`flaky-${stepId}.`) && attempt === 1) throw new Error('not yet');
    if (runId.includes(`fail-${stepId}.`) && kind !== 'compensation') throw new Error('never');
    return { output: { by: stepId, once } };
  };

const reach =
  (stepId: string, status: string): Scenario['leave'] =>
  async ({ run, clock }) => {
    const has = (): boolean => run.view().steps.some((step) => step.id === stepId && step.status === status);
    for (let turn = 0; turn < 1_000 && !has(); turn += 1) await clock.advanceAsync(0);
    if (!has()) throw new TypeError(`${stepId} is not ${status} in ${run.runId}.`);
  };

/** The name is the run's id, and says to its agents how to behave. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'proposed.',
    proposal: tickets(chain()),
    leave: async () => undefined,
    status: 'proposed',
    steps: { a: 'blocked', b: 'blocked', c: 'blocked', synthesis: 'blocked' },
  },
  {
    name: 'hang-b.',
    proposal: tickets(chain()),
    leave: reach('b', 'running'),
    status: 'completed',
    steps: all('succeeded'),
  },
  {
    name: 'flaky-b.',
    proposal: tickets(chain({ retry: { attempts: 3, backoffMs: 3_600_000 } })),
    leave: reach('b', 'backing-off'),
    status: 'completed',
    steps: all('succeeded'),
  },
  {
    name: 'gated.',
    proposal: tickets(chain({ gate: { kind: 'before', prompt: 'May I?' } })),
    leave: reach('b', 'gated'),
    goOn: (run) => run.decide('b', { approve: true, by }),
    status: 'completed',
    steps: all('succeeded'),
  },
  {
    name: 'once-hang-b.',
    proposal: tickets(chain({ effect: 'once' })),
    leave: reach('b', 'running'),
    goOn: (run) => run.decide('b', { approve: true, by, output: { by: 'ada' } }),
    status: 'completed',
    steps: all('succeeded'),
  },
  {
    name: 'fail-c.hang-undo-a.',
    proposal: tickets([...chain().slice(0, 2), ticket('c', { dependsOn: ['b'], onFailure: 'fail-run' })]),
    leave: reach('a', 'compensating'),
    status: 'failed',
    steps: { a: 'compensated', b: 'succeeded', c: 'failed', synthesis: 'cancelled' },
  },
  {
    name: 'talk-hang-c.',
    proposal: tickets(chain()),
    leave: reach('c', 'running'),
    status: 'completed',
    steps: all('succeeded'),
  },
  {
    name: 'paused.',
    proposal: tickets(chain()),
    async leave({ run, clock }) {
      await clock.runUntil(run.pause());
    },
    goOn: (run) => run.resume(),
    status: 'completed',
    steps: all('succeeded'),
  },
];
