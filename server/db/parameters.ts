/** The bound values of a statement that is put together from parts. */
export class Parameters {
  readonly values: unknown[]

  /** @param values are bound already, in the order of their placeholders. @default none */
  constructor(values: unknown[] = []) {
    this.values = values
  }

  /** Binds a value. @returns its placeholder, cast to a type of Postgres. */
  bind(value: unknown, type = 'text'): string {
    this.values.push(value)
    return `$${this.values.length}::${type}`
  }
}
