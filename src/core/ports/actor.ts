/** Who did something. An agent can propose and revise, never approve. */
export interface Actor {
  readonly kind: 'user' | 'policy' | 'agent';
  readonly id: string;
}
