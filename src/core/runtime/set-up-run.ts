import type { RoleMap } from '../materializer/definition.js';
import type { MaterializedRun } from '../materializer/materialize.js';
import type { CompensationPolicy } from '../ports/run.js';
import { provision, type ProvisionOptions } from './provision.js';
import type { InputBody } from './run-driver.js';
import type { RunState } from './run-state.js';
import { codeOf, messageOf } from '../shared/thrown.js';

export interface SetUpOptions extends ProvisionOptions {
  /** Set once the run was asked to end before it has begun. */
  readonly cancelReason: () => string | undefined;
  /** Makes the machines of what was approved. */
  readonly materialize: (roles: RoleMap) => MaterializedRun;
}

/** What the machines of a run that is set up are told first. */
export function startOf(
  { record: { approval } }: RunState,
  { graceMs, compensate }: { readonly graceMs: number; readonly compensate: CompensationPolicy },
): InputBody {
  const { steps = null, done = [] } = approval ?? {};
  return { type: 'run.start', graceMs, compensate, ...(steps && { steps }), ...(done.length > 0 && { done }) };
}

/** Makes hires, team, project and machines of an approved plan, each on record. Where that cannot be, the end of the run is. */
export async function setUpRun(options: SetUpOptions): Promise<MaterializedRun | undefined> {
  const { record, clock, cancelReason, materialize } = options;
  try {
    const { roles } = await provision(options);
    const materialized = materialize(roles);
    await record({ type: 'run.provisioned', at: clock.now(), roles, digest: materialized.digest });
    return materialized;
  } catch (cause) {
    const reason = cancelReason();
    const error = { code: codeOf(cause, 'PROVISIONING_FAILED'), message: messageOf(cause, 'The workspace') };
    // A run that cannot write rejects this as well.
    await record(
      reason === undefined ? { type: 'run.refused', at: clock.now(), error } : { type: 'run.withdrawn', at: clock.now(), reason },
    );
    return undefined;
  }
}
