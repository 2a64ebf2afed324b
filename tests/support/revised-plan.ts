import type { Plan, PlanStep } from '../../src/core/ports/plan.js';
import { planDigest } from '../../src/core/plan/plan-digest.js';
import { createChances } from '../../src/core/testing/random.js';

/** Another plan for the same goal, made from this one by chance: work changed, dropped and added, other roles, another budget. */
export function revisedPlan(plan: Plan, seed: number): Plan {
  const { below, pick } = createChances(seed);
  const roles = plan.roles.map(({ key }) => key);
  let steps = [...plan.steps];
  const tickets = () => steps.filter(({ kind, phase }) => kind === 'ticket' && phase === 'work');
  for (let edits = 1 + below(4); edits > 0; edits -= 1) {
    const choice = below(6);
    const one = tickets()[below(Math.max(1, tickets().length))];
    if (!one) continue;
    if (choice === 0) steps = drop(steps, one.id);
    else if (choice === 1) steps = change(steps, one.id, { instructions: `${one.instructions} Once more, ${seed}.` });
    else if (choice === 2 && one.expands === undefined) steps = change(steps, one.id, { role: pick(roles) });
    else if (choice === 3) steps = change(steps, one.id, { retry: { ...one.retry, attempts: 1 + below(3) } });
    else if (choice === 4) steps = change(steps, one.id, { dependsOn: [], input: [] });
    else steps = add(steps, one, seed);
  }
  const { digest: _, ...head } = { ...plan, steps, revision: plan.revision + 1, budget: { ...plan.budget } };
  return { ...head, digest: planDigest(head) };
}

const change = (steps: readonly PlanStep[], id: string, parts: Partial<PlanStep>): PlanStep[] =>
  steps.map((step) => (step.id === id ? { ...step, ...parts } : step));

/** What waited for it waits for what it waited for. */
function drop(steps: readonly PlanStep[], id: string): PlanStep[] {
  const gone = steps.find((step) => step.id === id)!;
  // A route leads to its dependents, and a phase is made of its steps.
  if (steps.some(({ routes, kind, dependsOn }) => (routes ?? kind === 'route') && dependsOn.includes(id))) return [...steps];
  const instead = (ids: readonly string[]): string[] => [...new Set(ids.flatMap((one) => (one === id ? gone.dependsOn : [one])))];
  return steps
    .filter((step) => step !== gone)
    .map((step) => ({ ...step, dependsOn: instead(step.dependsOn), input: step.input.filter((one) => one !== id) }));
}

function add(steps: readonly PlanStep[], beside: PlanStep, seed: number): PlanStep[] {
  const { expands: _, verify: __, compensation: ___, ...like } = beside;
  let id = `new-${seed % 1_000}`;
  while (steps.some((step) => step.id === id)) id += '+';
  const added: PlanStep = {
    ...like,
    id,
    title: id,
    instructions: 'Something new.',
    effect: 'idempotent',
    dependsOn: [beside.id],
    input: [],
  };
  const place = steps.indexOf(beside) + 1;
  const rest = steps
    .slice(place)
    .map((step) =>
      step.phase === 'synthesis' && step.dependsOn.length > 0 ? { ...step, dependsOn: [...step.dependsOn, id] } : step,
    );
  return [...steps.slice(0, place), added, ...rest];
}
