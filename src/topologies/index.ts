import type { Topology } from '../core/ports/topology.js';
import { graph } from './graph.js';
import { network } from './network.js';
import { pipeline } from './pipeline.js';
import { single } from './single.js';
import { supervisorWorker } from './supervisor-worker.js';

export { graph } from './graph.js';
export { network } from './network.js';
export { pipeline } from './pipeline.js';
export { single } from './single.js';
export { supervisorWorker } from './supervisor-worker.js';

/** The topologies that planwright brings along, from the simplest to the most general. */
export const builtInTopologies: readonly Topology[] = [single, pipeline, graph, supervisorWorker, network];
