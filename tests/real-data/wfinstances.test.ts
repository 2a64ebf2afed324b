import { expect, it } from 'vitest';

import { criticalPath } from '../../src/core/plan/critical-path.js';
import { describeData } from '../support/real-data/data-set.js';
import { planFromText, ticketFigures } from '../support/real-data/plan-figures.js';
import { workflowInstances } from '../support/real-data/wfinstances.js';

/** The index gives whole milliseconds. */
const indexRoundingMs = 0.51;
const instances = workflowInstances();

describeData('wfinstances', instances, () => {
  it.each(instances)('FO-04 $file has the waves and the critical path that its index states', (instance) => {
    const plan = planFromText(instance.proposal);
    const { nodes, edges, depth, width } = instance;
    expect(ticketFigures(plan)).toEqual({ nodes, edges, depth, width });
    expect(Math.abs(criticalPath(plan).durationMs - instance.criticalPathSec * 1_000)).toBeLessThan(indexRoundingMs);
    const serialMs = plan.steps.reduce((sum, { estimate }) => sum + (estimate?.durationMs ?? 0), 0);
    expect(Math.abs(serialMs - instance.totalRuntimeSec * 1_000)).toBeLessThan(indexRoundingMs);
  });
});
