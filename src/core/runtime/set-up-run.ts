import type { ApprovedPlan } from '../approval/approve-plan.js';
import { materialize, type MaterializedRun } from '../materializer/materialize.js';
import { provision, type ProvisionOptions } from './provision.js';
import { codeOf, messageOf } from './thrown.js';

export interface SetUpOptions extends ProvisionOptions {
  /** Set once the run was asked to end before it has begun. */
  readonly cancelReason: () => string | undefined;
}

/** Makes hires, team, project and machines of an approved plan, each on record. Where that cannot be, the end of the run is. */
export async function setUpRun(approved: ApprovedPlan, options: SetUpOptions): Promise<MaterializedRun | undefined> {
  const { record, clock, cancelReason } = options;
  try {
    const { roles } = await provision(options);
    const materialized = materialize(approved, roles);
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
