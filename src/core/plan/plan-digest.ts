import type { Plan } from '../ports/plan.js';
import { digestOf } from '../shared/digest.js';

/** SHA-256 over the canonical JSON of a plan without what does not change the run: titles, metadata, revision, the digest. */
export function planDigest(plan: Omit<Plan, 'digest'>): string {
  const { schemaVersion, goal, context, topology, roles, templates, expansion, budget, resources, policies } = plan;
  const steps = plan.steps.map(({ title: _, ...step }) => step);
  const growth = { ...(templates && { templates }), ...(expansion && { expansion }) };
  return digestOf({
    schemaVersion,
    goal,
    context,
    topology,
    roles,
    steps,
    ...growth,
    budget,
    resources,
    ...(policies && { policies }),
  });
}
