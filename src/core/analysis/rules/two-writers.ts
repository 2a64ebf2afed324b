import type { PlanStep } from '../../ports/plan.js';
import { quote } from '../../shared/issue.js';
import { listIds } from '../list-ids.js';
import type { Rule } from '../rule.js';

/**
 * Steps that write one shared value (`writes`), and nothing says which of them is right: neither does a reducer join them, nor does one build on
 * what the other wrote.
 */
export const twoWriters: Rule = {
  code: 'two-writers',
  severity: 'error',
  check: ({ plan }) =>
    Array.from(lastWriters(plan.steps)).flatMap(([value, last]) => {
      if (last.size < 2) return [];
      const stepIds = [...last];
      return [
        {
          message: `The value ${quote(value)} is written by ${listIds(stepIds)}, and nothing says which of them is right. Join them in a ticket with a reducer that reads all of them, or let one read what the other wrote.`,
          stepIds,
        },
      ];
    }),
};

/** For each shared value the steps that wrote it last: nothing that writes it as well has read what they wrote. */
function lastWriters(steps: readonly PlanStep[]): ReadonlyMap<string, ReadonlySet<string>> {
  const last = new Map<string, Set<string>>();
  const writtenBy = new Map<string, readonly string[]>();
  // In plan order, so that whoever is read has been met before.
  for (const step of steps) {
    const values = valuesOf(step, writtenBy);
    if (values.length > 0) writtenBy.set(step.id, values);
    for (const value of values) {
      const writers = last.get(value) ?? new Set();
      for (const id of step.input) writers.delete(id);
      last.set(value, writers.add(step.id));
    }
  }
  return last;
}

/** What a step writes: the value that it names, and one with a reducer whatever those wrote that it joins. */
function valuesOf({ writes, reducer, input }: PlanStep, writtenBy: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const own = writes === undefined ? [] : [writes];
  return reducer === undefined ? own : [...new Set([...own, ...input.flatMap((id) => writtenBy.get(id) ?? [])])];
}
