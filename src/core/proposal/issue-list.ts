import { type Issue, pointerOf } from '../shared/issue.js';

/** Gathers issues: at most `maxIssues` are kept, all are counted. */
export class IssueList {
  readonly #issues: Issue[] = [];
  readonly #sections = new Set<PropertyKey>();
  #count = 0;

  constructor(readonly maxIssues: number) {}

  get count(): number {
    return this.#count;
  }

  /** Whether nothing more will be written out. */
  get isFull(): boolean {
    return this.#issues.length >= this.maxIssues;
  }

  /** Counts issues without writing them, for when the list is full and writing them would take long. */
  skip(count: number): void {
    this.#count += count;
  }

  /** `message` may be a function, for those that take some work to write. */
  add(code: string, path: readonly PropertyKey[], message: string | (() => string)): void {
    this.#count += 1;
    this.#sections.add(path[0] ?? '');
    if (this.isFull) return;
    // What was handed in may hold lone surrogates; an issue is JSON that anyone can store.
    const pointer = pointerOf(path).toWellFormed();
    this.#issues.push({ code, pointer, message: (typeof message === 'string' ? message : message()).toWellFormed() });
  }

  /** Whether any issue lies under one of these members of the proposal, or speaks of the whole of it. */
  touched(sections: readonly string[]): boolean {
    return ['', ...sections].some((section) => this.#sections.has(section));
  }

  /** The issues in the order found; a last one says how many were left out, if any. */
  toArray(): Issue[] {
    const left = this.#count - this.#issues.length;
    if (left === 0) return [...this.#issues];
    const message = `${left} more issues were left out; mend these first and parse again`;
    return [...this.#issues, { code: 'more-issues', pointer: '', message }];
  }
}
