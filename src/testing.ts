import type { CrashReport } from './core/testing/crash-tally.js';
import { type CrashSimulationOptions, simulateCrashesWith } from './core/testing/simulate-crashes.js';
import { createOrchestrator } from './front-door.js';
import { createMemoryStore } from './storage/memory.js';

export { AgentError } from './core/shared/agent-error.js';
export type { DriveLimits } from './core/testing/drive-time.js';
export { createSequentialIds, type SequentialIdsOptions } from './core/testing/sequential-ids.js';
export type { SleepOptions } from './core/testing/sleep-until.js';
export { createVirtualClock, type VirtualClock, type VirtualClockOptions } from './core/testing/virtual-clock.js';
export { VirtualTimeInvalidError, VirtualTimeStalledError } from './core/testing/virtual-time-error.js';
export { createRecordedContext, type RecordedContext, sampleRequest } from './core/testing/agent-call.js';
export type { AgentScript, ScriptedAnswer, ScriptedBreach, ScriptedFailure, ScriptedStep } from './core/testing/agent-script.js';
export {
  type ScriptedAgent,
  scriptedAgent,
  type ScriptedAgentOptions,
  type ScriptedCall,
} from './core/testing/scripted-agent.js';
export { type Dag, dagArbitrary, type DagOptions } from './core/testing/dag-arbitrary.js';
export { hostileKeys, keyArbitrary } from './core/testing/key-arbitrary.js';
export { type Outcomes, outcomesArbitrary, type OutcomesOptions, scriptOf } from './core/testing/outcomes-arbitrary.js';
export { planArbitrary, type PlanArbitraryOptions } from './core/testing/plan-arbitrary.js';
export { proposalArbitrary, type ProposalArbitraryOptions } from './core/testing/proposal-arbitrary.js';
export {
  chainProposal,
  layeredProposal,
  type LayeredProposalOptions,
  proposalOf,
  starProposal,
} from './core/testing/sample-proposals.js';
export { type ConformanceCase, ConformanceError, type SubjectFactory } from './core/testing/conformance-case.js';
export { persistentStoreConformance, type PersistentStoreSkips } from './core/testing/persistent-store-conformance.js';
export { artifactStoreConformance } from './core/testing/artifact-store-conformance.js';
export { storeConformance } from './core/testing/store-conformance.js';
export type { StoreMedium } from './core/testing/store-conformance/medium.js';
export { agentConformance, type AgentConformanceOptions } from './core/testing/agent-conformance.js';
export { type TopologyCase, topologyConformance, type TopologyConformanceOptions } from './core/testing/topology-conformance.js';
export { type CrashDamage, type CrashExpectation } from './core/testing/crash-damage.js';
export { type CrashAgents } from './core/testing/crash-guards.js';
export { type AppliedEffect, type EffectLedger } from './core/testing/crash-ledger.js';
export { type CrashLife } from './core/testing/crash-life.js';
export { type CrashPoint, type CrashSchedule } from './core/testing/crash-points.js';
export { type CrashMedium } from './core/testing/crash-run.js';
export { type CrashFailure, type CrashReport } from './core/testing/crash-tally.js';
export { type CrashAct, type Decide, type WaitingStep } from './core/testing/crash-user.js';
export { CrashSimulationError, type CrashSimulationOptions, expectNoCrashDamage } from './core/testing/simulate-crashes.js';

/**
 * Runs a plan once as it is, and then again and again with a process that is lost at every single point of it, in virtual time and within
 * this process: at every write to the store, before and after it is stored; while agents are at work; and again while the run is taken up.
 * Each time the run has to come to the same end, with nothing lost and nothing done twice.
 *
 * @throws CrashSimulationError when the run comes to no end even without a crash.
 * @example
 * const report = await simulateCrashes({
 *   proposal,
 *   agents: ({ effects }) => ({
 *     clerk: async ({ idempotencyKey }) => ({ output: await effects.apply(idempotencyKey, 'paid') }),
 *   }),
 * });
 * expectNoCrashDamage(report);
 */
export const simulateCrashes = (options: CrashSimulationOptions): Promise<CrashReport> =>
  simulateCrashesWith({ createOrchestrator, createStore: createMemoryStore }, options);
