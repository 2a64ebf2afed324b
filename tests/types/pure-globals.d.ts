// What the pure folders may know of the platform: the name of the signal that ports hand through, and nothing to make one with.
interface AbortSignal {
  readonly aborted: boolean;
}
