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

/**
 * How far a role may go by itself, from the least on. `observe-only`: it changes nothing, so no ticket of it may have an effect, and what
 * it is handed has none. `act-with-approval`: a person must approve each ticket, and whatever it is handed, that has an effect before it starts.
 * Research, positions and the synthesis make an output and nothing else.
 */
export type Autonomy = 'observe-only' | 'act-with-approval' | 'act-freely';

/** What a step does to the world, and so what may be done with it after a crash. */
export type Effect = 'none' | 'idempotent' | 'once';
