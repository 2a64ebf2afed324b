import { criticalPath, waves, type Proposed } from 'planwright';

import { bold, dim, duration, green, heading, red, usd, yellow } from './text.js';

const colours = { error: red, warning: yellow, info: dim };

/** Everything an approver should see: what was found, in what order things run, what it can cost at most, and the digest. */
export function showPlan({ plan, diagnostics, bounds, revision, digest }: Proposed): string {
  const found = diagnostics.map(({ severity, code, message }) => `  ${colours[severity](severity.padEnd(8))}${code}: ${message}`);
  const path = criticalPath(plan);
  return [
    `${bold('Goal')}  ${plan.goal}`,
    `${bold('Team')}  ${plan.roles.map((role) => `${role.key} (${role.kind === 'hire' ? `to be hired: ${role.hire.name}` : role.agentId})`).join(', ')}`,
    `${bold('Shape')} ${plan.topology.kind}, ${plan.steps.length} steps`,
    heading('Diagnostics'),
    ...(found.length > 0 ? found : [green('  none')]),
    heading('Waves'),
    ...waves(plan).map((ids, wave) => `  ${String(wave + 1).padStart(2)}  ${ids.join(', ')}`),
    heading('Critical path'),
    `  ${path.steps.join(' → ')}  ${dim(`(${duration(path.durationMs)} by the estimates)`)}`,
    heading('Bounds (worst case)'),
    `  steps ${bounds.steps}   attempts ${bounds.attempts}   agents ${bounds.agents}`,
    `  cost ${bounds.costUsd === null ? 'unbounded' : usd(bounds.costUsd)}   tokens ${bounds.tokens ?? 'unbounded'}   duration ${bounds.durationMs === null ? 'unbounded' : duration(bounds.durationMs)}`,
    heading('Digest'),
    `  revision ${revision}   ${digest}`,
  ].join('\n');
}
