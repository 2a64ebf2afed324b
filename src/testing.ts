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
export { storeConformance } from './core/testing/store-conformance.js';
export type { StoreMedium } from './core/testing/store-conformance/medium.js';
export { agentConformance, type AgentConformanceOptions } from './core/testing/agent-conformance.js';
export { type TopologyCase, topologyConformance, type TopologyConformanceOptions } from './core/testing/topology-conformance.js';
