import type { Command } from '../ports/run-output.js';

/** Asks for an attempt, at a step or at undoing it. */
export type StartCommand = Extract<Command, { readonly type: 'step.start' | 'step.compensate' }>;
export type ProbeCommand = Extract<Command, { readonly type: 'step.probe' }>;
