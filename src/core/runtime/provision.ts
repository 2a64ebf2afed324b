import type { RoleMap } from '../materializer/definition.js';
import type { Clock } from '../ports/clock.js';
import type { Plan, PlanRole } from '../ports/plan.js';
import type { Workspace, WorkspaceCall } from '../ports/workspace.js';
import { quote } from '../shared/issue.js';
import type { AgentDirectory } from './agent-directory.js';
import { callWorkspace } from './call-workspace.js';
import { HireNotPossibleError, WorkspaceAnswerError } from './errors.js';
import type { RunRecordInput } from '../ports/run.js';
import { messageOf } from '../shared/thrown.js';

/** What has been set up for a run. */
export interface Provision {
  readonly roles: RoleMap;
  readonly teamId: string | null;
  readonly projectId: string | null;
}
export interface Hire {
  readonly role: string;
  readonly agentId: string;
}

export interface ProvisionOptions {
  readonly runId: string;
  readonly plan: Plan;
  readonly workspace: Workspace;
  readonly agents: AgentDirectory;
  readonly clock: Clock;
  /** For one call of the workspace. */
  readonly limitMs: number;
  /** Fires when the run is cancelled: nothing more is set up then, and what is under way gets `graceMs`. */
  readonly signal: AbortSignal;
  readonly graceMs: number;
  /** Makes an entry durable before the next thing is set up. */
  readonly record: (entry: RunRecordInput) => Promise<void>;
  /** What is on record already, from before a crash: it is not set up again. */
  readonly done: {
    readonly hires: readonly Hire[];
    readonly teamId: string | null;
    readonly projectId: string | null;
    readonly machines: { readonly roles: RoleMap } | undefined;
  };
}

/** What it takes to tell whether roles can be filled; `done` where some are. */
export type RoleCheck = Pick<ProvisionOptions, 'plan' | 'workspace' | 'agents'> & Partial<Pick<ProvisionOptions, 'done'>>;

/** Checks, before anything is set up, that every role can be filled. @throws AgentNotFoundError, HireNotPossibleError */
export function checkRoles({ plan, workspace, agents, done }: RoleCheck): void {
  checkFallbacks({ plan, agents });
  for (const role of plan.roles) {
    if (done && hiredFor(role.key, { done }) !== undefined) continue;
    if (role.kind === 'existing') agents.require(role.agentId, role.key);
    else if (!workspace.hire && standIn(role, agents) === undefined) {
      const names = role.hire.name === role.key ? `"${role.key}"` : `"${role.key}" or "${role.hire.name}"`;
      throw new HireNotPossibleError(
        role.key,
        `give createOrchestrator a workspace with hire(), or an agent with the id ${names}.`,
      );
    }
  }
}

/** Whoever may have to take over is at hand. @throws AgentNotFoundError */
function checkFallbacks({ plan, agents }: Pick<RoleCheck, 'plan' | 'agents'>): void {
  for (const { key, fallbacks = [] } of plan.roles) for (const agentId of fallbacks) agents.require(agentId, key);
}

/** The agents of all roles, where nobody has to be asked for anything: no hire, no team, no project. */
export function rolesAtHand({
  plan,
  workspace,
  agents,
}: Pick<ProvisionOptions, 'plan' | 'workspace' | 'agents'>): RoleMap | undefined {
  if (workspace.createTeam || workspace.createProject) return undefined;
  if (workspace.hire && plan.roles.some(({ kind }) => kind === 'hire')) return undefined;
  return Object.fromEntries(
    plan.roles.map((role) => [role.key, { agentId: role.kind === 'existing' ? role.agentId : (standIn(role, agents) ?? '') }]),
  );
}

/** Sets up what an approved run needs, in this order: hires, team, project. Each is on record before the next begins. */
export async function provision(options: ProvisionOptions): Promise<Provision> {
  const roles: [string, { readonly agentId: string }][] = [];
  for (const role of options.plan.roles) {
    const agentId = role.kind === 'existing' ? role.agentId : (hiredFor(role.key, options) ?? (await fill(role, options)));
    roles.push([role.key, { agentId }]);
  }
  const map = Object.fromEntries(roles);
  const teamId = options.done.teamId ?? (await createTeam(options, map));
  const projectId = options.done.projectId ?? (await createProject(options, teamId));
  return { roles: map, teamId, projectId };
}

const hiredFor = (role: string, { done }: Pick<ProvisionOptions, 'done'>): string | undefined =>
  done.hires.find((hire) => hire.role === role)?.agentId;

/**
 * Sees to it that the agents of a run are at hand that goes on. Those that the workspace gave with its hires went with the process: the same
 * call under the same key gives the same hire.
 *
 * @throws HireNotPossibleError when it gives another; AgentNotFoundError for an agent that is not here. Nothing has been started then, and
 * another process may have it.
 */
export async function rehire(options: ProvisionOptions): Promise<void> {
  const { plan, agents, workspace, done } = options;
  for (const { role: key, agentId } of done.hires) {
    const role = plan.roles.find((candidate) => candidate.key === key);
    if (agents.find(agentId) === undefined && role?.kind === 'hire' && workspace.hire) await hireAgain(role, agentId, options);
    agents.require(agentId, key);
  }
  checkFallbacks(options);
  const { machines } = done;
  if (!machines) {
    checkRoles(options);
    return;
  }
  for (const [role, { agentId }] of Object.entries(machines.roles)) agents.require(agentId, role);
}

async function hireAgain(role: PlanRole & { readonly kind: 'hire' }, agentId: string, options: ProvisionOptions): Promise<void> {
  const again = await hire(role, options);
  if (again.agentId !== agentId) {
    const detail = `the workspace's hire() gave "${again.agentId}" where it had given "${agentId}" for the same idempotency key.`;
    throw new HireNotPossibleError(role.key, detail);
  }
  if (again.agent) options.agents.add(agentId, again.agent);
}

/** Without a workspace that hires, the agent that goes by the role's key, or by the name of the hire, fills the role. */
const standIn = (role: PlanRole & { readonly kind: 'hire' }, agents: AgentDirectory): string | undefined =>
  [role.key, role.hire.name].find((id) => agents.find(id) !== undefined);

async function fill(role: PlanRole & { readonly kind: 'hire' }, options: ProvisionOptions): Promise<string> {
  const { workspace, agents, record, clock } = options;
  if (!workspace.hire) return standIn(role, agents) ?? '';
  const { agentId, agent } = await hire(role, options);
  if (agent) agents.add(agentId, agent);
  // On record before anything else can go wrong with it, so that it is let go in any case.
  await record({ type: 'role.hired', at: clock.now(), role: role.key, agentId });
  agents.require(agentId, role.key);
  return agentId;
}

async function hire({ key, hire: spec }: PlanRole & { readonly kind: 'hire' }, options: ProvisionOptions) {
  const { workspace, runId } = options;
  const request = { ...callOf(options, `hire:${key}`), role: key, hire: spec };
  // Nobody waits for it any more, so nobody else would let it go.
  const onLate = (late: { readonly agentId: string } | undefined): void => {
    if (!late) return;
    const idempotencyKey = `${runId}:release:${key}`;
    (async () => workspace.release?.({ runId, idempotencyKey, role: key, agentId: late.agentId }))().catch(() => undefined);
  };
  try {
    const hired = await call(options, { hook: 'hire', perform: () => workspace.hire?.(request), onLate });
    if (typeof hired?.agentId === 'string' && hired.agentId !== '') return hired;
  } catch (cause) {
    throw new HireNotPossibleError(key, `the workspace's hire() failed: ${messageOf(cause, 'It')}`, { cause });
  }
  throw new HireNotPossibleError(key, "the workspace's hire() gave no agentId.");
}

const callOf = ({ runId }: ProvisionOptions, what: string): WorkspaceCall => ({ runId, idempotencyKey: `${runId}:${what}` });

interface Hook<T> {
  readonly hook: 'hire' | 'createTeam' | 'createProject';
  readonly perform: () => Promise<T> | T;
  readonly onLate?: (value: T) => void;
}

async function call<T>({ clock, limitMs, graceMs, signal }: ProvisionOptions, { perform, ...hook }: Hook<T>): Promise<T> {
  signal.throwIfAborted();
  return callWorkspace(perform, { clock, limitMs, graceMs, signal, ...hook });
}

async function createTeam(options: ProvisionOptions, roles: RoleMap): Promise<string | null> {
  const { plan, workspace, record, clock } = options;
  if (!workspace.createTeam) return null;
  const agentOf = (role: string): string => roles[role]?.agentId ?? '';
  const leading = plan.steps.findLast(({ phase }) => phase === 'synthesis')?.role ?? plan.roles[0]?.key ?? '';
  const members = plan.roles.map(({ key }) => ({ role: key, agentId: agentOf(key) }));
  const request = { ...callOf(options, 'team'), name: plan.goal, leader: agentOf(leading), members };
  const created = await call(options, { hook: 'createTeam', perform: () => workspace.createTeam?.(request) });
  const teamId = idOf(created?.teamId, { hook: 'createTeam', member: 'teamId' });
  await record({ type: 'team.created', at: clock.now(), teamId });
  return teamId;
}

async function createProject(options: ProvisionOptions, teamId: string | null): Promise<string | null> {
  const { plan, workspace, record, clock } = options;
  if (!workspace.createProject) return null;
  const tickets = plan.steps.filter(({ kind }) => kind === 'ticket').map(({ id, title }) => ({ key: id, title }));
  const { parentTicket } = plan.context;
  const request = { ...callOf(options, 'project'), name: plan.goal, parentTicket, teamId, tickets };
  const created = await call(options, { hook: 'createProject', perform: () => workspace.createProject?.(request) });
  const projectId = idOf(created?.projectId, { hook: 'createProject', member: 'projectId' });
  await record({ type: 'project.created', at: clock.now(), projectId });
  return projectId;
}

/** @throws WorkspaceAnswerError for what is no id: the journal could not hold it. */
function idOf(id: unknown, { hook, member }: { readonly hook: string; readonly member: string }): string {
  if (typeof id === 'string' && id !== '') return id;
  throw new WorkspaceAnswerError(hook, member, quote(id));
}
