import type postgres from 'postgres'
import type { QueryResult } from './database.ts'

export type PostgresRows = Awaited<ReturnType<postgres.PendingQuery<postgres.Row[]>['values']>>

/** What postgres.js answered. A class, since a getter in a literal would give each answer a hidden class of its own (V8). */
export class PostgresAnswer implements QueryResult {
  readonly rows: QueryResult['rows']
  readonly command: string
  readonly #answer: PostgresRows

  constructor(answer: PostgresRows) {
    this.rows = answer
    this.command = answer.command ?? ''
    this.#answer = answer
  }

  /** What the statement is called in the backend. */
  get statementName(): string {
    return this.#answer.statement.name
  }

  /** Hardly anybody asks for them. */
  get columns(): readonly string[] {
    return (this.#answer.columns ?? []).map((column) => column.name)
  }
}
