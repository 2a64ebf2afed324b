import { asObject } from '../loose.js';
import { named } from '../words.js';
import type { Rule } from './rule.js';

/** A rate needs both its figures: `incomplete-limit`. Resources that are used but not declared are the orchestrator's to know. */
export const checkResources: Rule = ({ sketch, issues }) => {
  for (const [name, limits] of Object.entries(asObject(sketch.fields['resources']))) {
    const { limit, intervalMs } = asObject(limits);
    if ((limit === undefined) === (intervalMs === undefined)) continue;
    const [given, absent] = limit === undefined ? ['intervalMs', 'limit'] : ['limit', 'intervalMs'];
    const message = `resource ${named(name)} sets ${given} without ${absent}; set both or neither`;
    issues.add('incomplete-limit', ['resources', name], message);
  }
};
