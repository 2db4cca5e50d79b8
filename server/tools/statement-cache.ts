import { type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { Statement } from '../db/database.ts'
import { toStatement } from '../db/statement.ts'
import { type Assignment, type Binding, bindTo, bound, systemColumns } from './assignments.ts'
import type { CatalogEntry } from './catalog.ts'
import { isSql, StatementTemplate, type StatementValues } from './statement-template.ts'

/** The most column lists that a verb caches; each beginning of a list counts as well. */
const MAX_STATEMENTS = 2_000
const NOTHING: readonly Binding[] = []

/** The values of a statement as SQL. */
export interface StatementParts {
  readonly list: readonly Assignment[]
  readonly recordId: SQL
  readonly now: SQL
}

/** Writes a statement whose text depends only on the collection and the columns of the list. */
export type WriteStatement = (entry: CatalogEntry, statementParts: StatementParts) => SQL

/**
 * Caches the statements of one verb by collection and list of columns: writing a statement's text costs more than sending
 * it.
 */
export class StatementCache {
  readonly #write: WriteStatement
  readonly #shapes = new WeakMap<CatalogEntry, StatementNode>()
  #kept = 0

  constructor(write: WriteStatement) {
    this.#write = write
  }

  /** Fills the cached statement with values. */
  of(entry: CatalogEntry, given: StatementValues): Statement {
    return this.#template(entry, given.list ?? NOTHING)?.fill(given) ?? this.write(entry, given)
  }

  /** Writes a statement without the cache. */
  write(entry: CatalogEntry, given: StatementValues): Statement {
    return toStatement(this.#write(entry, statementParts(entry, given)))
  }

  /** Finds or writes the template; undefined where a value is SQL itself, or the cache is full. */
  #template(entry: CatalogEntry, list: readonly Binding[]): StatementTemplate | undefined {
    let shape = this.#shapes.get(entry) ?? new StatementNode()
    this.#shapes.set(entry, shape)
    for (const { column, value } of list) {
      if (isSql(value)) return undefined
      let next: StatementNode | undefined = shape.next.get(column)
      if (!next) {
        if (this.#kept >= MAX_STATEMENTS) return undefined
        this.#kept += 1
        next = new StatementNode()
        shape.next.set(column, next)
      }
      shape = next
    }
    shape.template ??= new StatementTemplate(this.#writeWithGaps(entry, list))
    return shape.template
  }

  #writeWithGaps(entry: CatalogEntry, list: readonly Binding[]): SQL {
    const { recordId, updatedAt } = systemColumns(entry)
    return this.#write(entry, {
      list: list.map(({ column }, position) => ({ column, value: placeholder(String(position), column) })),
      recordId: placeholder('recordId', recordId),
      now: placeholder('now', updatedAt),
    })
  }
}

/** A list of columns in the cache. Columns are told apart by identity: two of one table may have the same name in code. */
class StatementNode {
  readonly next = new Map<PgColumn, StatementNode>()
  /** The statement of the list that ends here. */
  template: StatementTemplate | undefined
}

export function statementParts(
  entry: CatalogEntry,
  { list = NOTHING, recordId, now }: StatementValues,
): StatementParts {
  const { recordId: id, updatedAt } = systemColumns(entry)
  return { list: bound(list), recordId: bindTo(id, recordId), now: bindTo(updatedAt, now) }
}

function placeholder(name: string, column: PgColumn): SQL {
  return sql`${sql.param(sql.placeholder(name), column)}`
}
