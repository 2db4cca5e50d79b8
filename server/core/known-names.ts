/** Stands for every name that is not known: callers choose names, and each label would be kept for ever. */
const UNKNOWN = 'unknown'

/** The names that a label may have. */
export class KnownNames {
  readonly #names = new Set<string>()

  constructor(names: Iterable<string> = []) {
    this.add(names)
  }

  add(names: Iterable<string>): void {
    for (const name of names) this.#names.add(name)
  }

  /** @returns the name, where it is known */
  of(name: string): string {
    return this.#names.has(name) ? name : UNKNOWN
  }
}
