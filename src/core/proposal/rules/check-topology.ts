import { pointerOf, quote } from '../../shared/issue.js';
import type { OptionsFault, Topology } from '../../ports/topology.js';
import { asObject, asText } from '../loose.js';
import { createHints, listed, named } from '../words.js';
import type { Rule } from './rule.js';

/** The topology is known, and takes the options that stand beside its kind: `unknown-topology`, `invalid-topology-option`. */
export const checkTopology: Rule = ({ sketch, topologies, issues }) => {
  const choice = asObject(sketch.fields['topology']);
  const kind = asText(choice['kind']);
  if (kind === undefined || kind.trim() === '') return;
  const topology = topologies.find((candidate) => candidate.kind === kind);
  if (topology === undefined) {
    const kinds = topologies.map((candidate) => candidate.kind);
    const guess = createHints(kinds)(kind);
    const hint = guess.includes('did you mean') ? guess : '';
    const message = `unknown topology ${named(kind)}; known: ${listed(kinds, 20) || 'none'}${hint}`;
    issues.add('unknown-topology', ['topology', 'kind'], message);
    return;
  }
  for (const { path, message } of optionFaults(topology, optionsOf(choice))) {
    const place = path.length === 0 ? 'the options' : `the option ${quote(pointerOf(path).slice(1))}`;
    issues.add('invalid-topology-option', ['topology', ...path], `topology ${named(kind)} refuses ${place}: ${message}`);
  }
};

/** What stands beside `kind`. */
export function optionsOf(choice: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { kind: _, ...options } = choice;
  return options;
}

function optionFaults(topology: Topology, options: unknown): readonly OptionsFault[] {
  try {
    const parsed = topology.options.safeParse(options);
    return parsed.success ? [] : parsed.error.issues;
  } catch (error) {
    // A topology is someone else's code; parsing never throws.
    return [{ path: [], message: `its own check threw: ${error instanceof Error ? error.message : quote(error)}` }];
  }
}
