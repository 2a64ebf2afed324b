import type { OrchestrationProposal, Ticket } from '../../../src/core/ports/proposal.js';
import { proposalOf } from '../../../src/core/testing/sample-proposals.js';
import { type GraphFigures, readIndex } from './data-set.js';

interface IndexEntry extends GraphFigures {
  readonly file: string;
  readonly serialDuration: number;
  readonly capacity: readonly number[];
  /** With all capacities kept. */
  readonly optimalMakespan: number;
}

/** A project of PSPLIB: a job is a ticket, a unit of time a millisecond. */
export interface Project extends IndexEntry {
  /** Length of the critical path without capacities, as the file states it. */
  readonly mpmTime: number;
  /** Without resources. */
  readonly proposal: OrchestrationProposal;
  /** With the four renewable resources, `R1` to `R4`, and what each job takes of them. */
  readonly constrained: OrchestrationProposal;
}

/** Every project that is there. */
export const projects = (): readonly Project[] =>
  readIndex('psplib').map(({ entry, text }) => ({ ...(entry as IndexEntry), ...readProject(text) }));

/** Reads an `.sm` file: sections of columns between lines of asterisks. */
function readProject(text: string): Pick<Project, 'mpmTime' | 'proposal' | 'constrained'> {
  const [project] = rowsOf(text, 'PROJECT INFORMATION:');
  const precedence = rowsOf(text, 'PRECEDENCE RELATIONS:');
  const demands = new Map(
    rowsOf(text, 'REQUESTS/DURATIONS:').map(([job, , duration, ...amounts]) => [job, { duration, amounts }]),
  );
  const [capacities = []] = rowsOf(text, 'RESOURCEAVAILABILITIES:');

  const parents = new Map(precedence.map(([job]) => [job, [] as string[]]));
  for (const [job, , , ...successors] of precedence) for (const next of successors) parents.get(next)!.push(String(job));
  const ticketOf = (job: number, isConstrained: boolean): Ticket => ({
    key: String(job),
    title: `Job ${job}`,
    role: 'worker',
    instructions: `Do job ${job}.`,
    dependsOn: parents.get(job)!,
    estimate: { durationMs: demands.get(job)!.duration! },
    ...(isConstrained && {
      resources: demands.get(job)!.amounts.flatMap((amount, index) => (amount > 0 ? [{ name: `R${index + 1}`, amount }] : [])),
    }),
  });
  const proposal = proposalOf(precedence.map(([job]) => ticketOf(job!, false)));
  return {
    mpmTime: project![5]!,
    proposal,
    constrained: {
      ...proposal,
      tickets: precedence.map(([job]) => ticketOf(job!, true)),
      resources: Object.fromEntries(capacities.map((concurrency, index) => [`R${index + 1}`, { concurrency }])),
    },
  };
}

/** The rows of numbers in a section; its headings and rules have letters or dashes in them. */
function rowsOf(text: string, heading: string): readonly (readonly number[])[] {
  const section = text.slice(text.indexOf(heading) + heading.length).split(/^\*+$/m)[0]!;
  const lines = section.split('\n').filter((line) => /^[\s\d]*\d[\s\d]*$/.test(line));
  return lines.map((line) => line.trim().split(/\s+/).map(Number));
}
