export { AgentError } from './core/shared/agent-error.js';
export type { DriveLimits } from './core/testing/drive-time.js';
export { createSequentialIds, type SequentialIdsOptions } from './core/testing/sequential-ids.js';
export { createVirtualClock, type SleepOptions, type VirtualClock, type VirtualClockOptions } from './core/testing/virtual-clock.js';
export { VirtualTimeInvalidError, VirtualTimeStalledError } from './core/testing/virtual-time-error.js';
