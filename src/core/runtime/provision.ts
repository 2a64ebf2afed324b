import type { RoleMap } from '../materializer/definition.js';
import type { Plan, PlanRole } from '../ports/plan.js';
import type { Workspace, WorkspaceCall } from '../ports/workspace.js';
import { isPlanwrightError } from '../shared/error.js';
import type { AgentDirectory } from './agent-directory.js';
import { HireNotPossibleError } from './errors.js';
import type { EntryBody } from './run-journal.js';

/** What has been set up for a run. */
export interface Provision {
  readonly roles: RoleMap;
  readonly hires: readonly Hire[];
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
  readonly at: () => number;
  /** Makes an entry durable before the next thing is set up. */
  readonly record: (entry: EntryBody) => Promise<void>;
}

/** Checks, before anything is approved, that every role can be filled. @throws AgentNotFoundError, HireNotPossibleError */
export function checkRoles({ plan, workspace, agents }: Pick<ProvisionOptions, 'plan' | 'workspace' | 'agents'>): void {
  for (const role of plan.roles) {
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

/** Sets up what an approved run needs, in this order: hires, team, project. Each is on record before the next begins. */
export async function provision(options: ProvisionOptions): Promise<Provision> {
  const roles: [string, { readonly agentId: string }][] = [];
  const hires: Hire[] = [];
  for (const role of options.plan.roles) {
    const agentId = role.kind === 'existing' ? role.agentId : await fill(role, options, hires);
    roles.push([role.key, { agentId }]);
  }
  const map = Object.fromEntries(roles);
  const teamId = await createTeam(options, map);
  const projectId = await createProject(options, teamId);
  return { roles: map, hires, teamId, projectId };
}

/** Without a workspace that hires, the agent that goes by the role's key, or by the name of the hire, fills the role. */
const standIn = (role: PlanRole & { readonly kind: 'hire' }, agents: AgentDirectory): string | undefined =>
  [role.key, role.hire.name].find((id) => agents.find(id) !== undefined);

async function fill(role: PlanRole & { readonly kind: 'hire' }, options: ProvisionOptions, hires: Hire[]): Promise<string> {
  const { workspace, agents, record, at } = options;
  if (!workspace.hire) return standIn(role, agents) ?? '';
  const { agentId, agent } = await hire(role, options);
  if (agent) agents.add(agentId, agent);
  agents.require(agentId, role.key);
  hires.push({ role: role.key, agentId });
  await record({ type: 'role.hired', at: at(), role: role.key, agentId });
  return agentId;
}

async function hire({ key, hire: spec }: PlanRole & { readonly kind: 'hire' }, options: ProvisionOptions) {
  try {
    const hired = await options.workspace.hire?.({ ...callOf(options, `hire:${key}`), role: key, hire: spec });
    if (typeof hired?.agentId === 'string' && hired.agentId !== '') return hired;
  } catch (error) {
    if (isPlanwrightError(error)) throw error;
    const cause = error instanceof Error ? error.message : String(error);
    throw new HireNotPossibleError(key, `the workspace's hire() failed: ${cause}`, { cause: error });
  }
  throw new HireNotPossibleError(key, "the workspace's hire() gave no agentId.");
}

const callOf = ({ runId }: ProvisionOptions, what: string): WorkspaceCall => ({ runId, idempotencyKey: `${runId}:${what}` });

async function createTeam(options: ProvisionOptions, roles: RoleMap): Promise<string | null> {
  const { plan, workspace, record, at } = options;
  if (!workspace.createTeam) return null;
  const agentOf = (role: string): string => roles[role]?.agentId ?? '';
  const leading = plan.steps.findLast(({ phase }) => phase === 'synthesis')?.role ?? plan.roles[0]?.key ?? '';
  const members = plan.roles.map(({ key }) => ({ role: key, agentId: agentOf(key) }));
  const { teamId } = await workspace.createTeam({
    ...callOf(options, 'team'),
    name: plan.goal,
    leader: agentOf(leading),
    members,
  });
  await record({ type: 'team.created', at: at(), teamId });
  return teamId;
}

async function createProject(options: ProvisionOptions, teamId: string | null): Promise<string | null> {
  const { plan, workspace, record, at } = options;
  if (!workspace.createProject) return null;
  const tickets = plan.steps.filter(({ kind }) => kind === 'ticket').map(({ id, title }) => ({ key: id, title }));
  const { parentTicket } = plan.context;
  const request = { ...callOf(options, 'project'), name: plan.goal, parentTicket, teamId, tickets };
  const { projectId } = await workspace.createProject(request);
  await record({ type: 'project.created', at: at(), projectId });
  return projectId;
}
