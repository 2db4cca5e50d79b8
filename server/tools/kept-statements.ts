import { type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { Statement } from '../db/database.ts'
import { toStatement } from '../db/to-statement.ts'
import type { CatalogEntry } from './catalog.ts'
import { type Assignment, type Binding, bindTo, bound, systemColumns } from './data.ts'
import { type Given, isSql, Template } from './template.ts'

/** How many shapes a verb keeps: fields that are given or left out make one each, and so do their beginnings. */
const MAX_SHAPES = 2_000
const NOTHING: readonly Binding[] = []

/** What a statement is given, as it says it. */
export interface Spoken {
  readonly list: readonly Assignment[]
  readonly recordId: SQL
  readonly now: SQL
}

/** Writes a statement. Its text hangs on the collection and the columns of the list alone. */
export type WriteStatement = (entry: CatalogEntry, spoken: Spoken) => SQL

/**
 * The statements of one verb, whose text is written once for each collection and list of columns: to write it anew
 * for each call costs more than to send it.
 */
export class KeptStatements {
  readonly #write: WriteStatement
  readonly #shapes = new WeakMap<CatalogEntry, Shape>()
  #kept = 0

  constructor(write: WriteStatement) {
    this.#write = write
  }

  /** The statement with these values. */
  of(entry: CatalogEntry, given: Given): Statement {
    return this.#template(entry, given.list ?? NOTHING)?.fill(given) ?? this.anew(entry, given)
  }

  /** The same, written for this once. */
  anew(entry: CatalogEntry, given: Given): Statement {
    return toStatement(this.#write(entry, spoken(entry, given)))
  }

  /** Undefined where a value is a piece of SQL itself, or there are too many shapes. */
  #template(entry: CatalogEntry, list: readonly Binding[]): Template | undefined {
    let shape = this.#shapes.get(entry) ?? new Shape()
    this.#shapes.set(entry, shape)
    for (const { column, value } of list) {
      if (isSql(value)) return undefined
      let longer: Shape | undefined = shape.longer.get(column)
      if (!longer) {
        if (this.#kept >= MAX_SHAPES) return undefined
        this.#kept += 1
        longer = new Shape()
        shape.longer.set(column, longer)
      }
      shape = longer
    }
    shape.template ??= new Template(this.#writeWithGaps(entry, list))
    return shape.template
  }

  #writeWithGaps(entry: CatalogEntry, list: readonly Binding[]): SQL {
    const { recordId, updatedAt } = systemColumns(entry)
    return this.#write(entry, {
      list: list.map(({ column }, position) => ({ column, value: gap(String(position), column) })),
      recordId: gap('recordId', recordId),
      now: gap('now', updatedAt),
    })
  }
}

/** The columns of a list, told apart by what they are: two of one table may have the same name in code. */
class Shape {
  readonly longer = new Map<PgColumn, Shape>()
  /** Of the list that ends here. */
  template: Template | undefined
}

export function spoken(entry: CatalogEntry, { list = NOTHING, recordId, now }: Given): Spoken {
  const { recordId: id, updatedAt } = systemColumns(entry)
  return { list: bound(list), recordId: bindTo(id, recordId), now: bindTo(updatedAt, now) }
}

function gap(name: string, column: PgColumn): SQL {
  return sql`${sql.param(sql.placeholder(name), column)}`
}
