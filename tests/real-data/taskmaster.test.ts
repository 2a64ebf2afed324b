import { expect, it } from 'vitest';

import { describeData } from '../support/real-data/data-set.js';
import { planFromText, ticketFigures } from '../support/real-data/plan-figures.js';
import { taskMasterPlans } from '../support/real-data/taskmaster.js';

const plans = taskMasterPlans();

describeData('taskmaster', plans, () => {
  it.each(plans)('$file has the waves that its index states', ({ proposal, nodes, edges, depth, width }) => {
    expect(ticketFigures(planFromText(proposal))).toEqual({ nodes, edges, depth, width });
  });

  it.each(plans)('$file has them with its subtasks, too', ({ flattened, withSubtasks }) => {
    expect(ticketFigures(planFromText(flattened))).toEqual(withSubtasks);
  });
});
