/**
 * What a step is. The last three come about while a run is under way: a task that a supervisor or a peer has handed to another role, control
 * that went over to a peer, and the check of what another step has made.
 */
export type StepKind =
  | 'ticket'
  | 'research'
  | 'position'
  | 'route'
  | 'reduce'
  | 'gate'
  | 'synthesis'
  | 'compensation'
  | 'delegation'
  | 'handoff'
  | 'verification';

/** What a step does to the world, and so what may be done with it after a crash. */
export type Effect = 'none' | 'idempotent' | 'once';
