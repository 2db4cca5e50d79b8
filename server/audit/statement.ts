import type { SQL } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import type { Statement } from '../db/database.ts'

const dialect = new PgDialect({ casing: 'snake_case' })

/** A statement as a session sends it. */
export function toStatement(statement: SQL): Statement {
  return dialect.sqlToQuery(statement)
}
