import { expect, it } from 'vitest';

import { analyzePlan } from '../../src/core/analysis/analyze-plan.js';
import { criticalPath } from '../../src/core/plan/critical-path.js';
import { describeData } from '../support/real-data/data-set.js';
import { planFromText, ticketFigures } from '../support/real-data/plan-figures.js';
import { projects } from '../support/real-data/psplib.js';

const all = projects();

describeData('psplib', all, () => {
  it.each(all)('$file has, without its capacities, the critical path that the file states', (project) => {
    const plan = planFromText(project.proposal);
    const { nodes, edges, depth, width } = project;
    expect(ticketFigures(plan)).toEqual({ nodes, edges, depth, width });
    const { durationMs } = criticalPath(plan);
    expect(durationMs).toBe(project.mpmTime);
    expect(durationMs).toBeLessThanOrEqual(project.optimalMakespan);
    expect(plan.steps.reduce((sum, { estimate }) => sum + (estimate?.durationMs ?? 0), 0)).toBe(project.serialDuration);
  });

  it('keeps every demand within its capacity', () => {
    for (const { constrained, capacity } of all) {
      const plan = planFromText(constrained);
      expect(Object.values(plan.resources).map(({ concurrency }) => concurrency)).toEqual(capacity);
      expect(plan.steps.some(({ resources }) => resources.length > 0)).toBe(true);
      expect(analyzePlan(plan).filter(({ severity }) => severity === 'error')).toEqual([]);
    }
  });
});
