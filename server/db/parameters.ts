/** The bound values of a statement that is put together from parts. */
export class Parameters {
  readonly values: unknown[]

  /** @param first the values of a part that has its placeholders already. */
  constructor(first: readonly unknown[] = []) {
    this.values = [...first]
  }

  /** Binds a value. @returns its placeholder, cast to a type of Postgres. */
  bind(value: unknown, type = 'text'): string {
    this.values.push(value)
    return `$${this.values.length}::${type}`
  }
}
