type Ratio<Name extends string> = Readonly<Partial<Record<Name, number>>>;

/** A member for a part of something; none where there is nothing that it could be a part of. */
export const ratio = <Name extends string>(name: Name, part: number, of: number): Ratio<Name> =>
  (of > 0 ? { [name]: part / of } : {}) as Ratio<Name>;
