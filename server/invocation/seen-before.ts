import { type SQL, sql } from 'drizzle-orm'
import type { Actor } from '../auth/actor.ts'
import { accessStatement } from '../records/access-query.ts'
import { type AccessSettings, Caller } from '../records/caller.ts'
import { toSql } from '../records/compile-rule.ts'
import type { Permission } from '../records/policy.ts'
import { systemColumns } from '../tools/assignments.ts'
import type { CatalogEntry } from '../tools/catalog.ts'
import type { ReadRuntime, WriteOperation } from '../tools/tool-runtime.ts'

/**
 * Knows which records the caller could read right before an attempt wrote them: a record that was removed, or that has
 * left the caller's sight, can no longer be asked for. The state before the attempt's first write of a record counts,
 * so that nothing becomes known by what the app does to it in between.
 */
export class SeenBefore {
  // Each as `collection/id`.
  readonly #seen = new Set<string>()
  readonly #written = new Set<string>()
  readonly #runtime: ReadRuntime
  readonly #caller: Caller

  constructor(runtime: ReadRuntime, actor: Actor, settings: AccessSettings) {
    this.#runtime = runtime
    this.#caller = new Caller(runtime, actor, settings)
  }

  has(collection: string, recordId: string): boolean {
    return this.#seen.has(`${collection}/${recordId}`)
  }

  /** Looks at one record, `collection/id`, that is about to be written. */
  async lookAt(record: string): Promise<void> {
    if (this.#written.has(record)) return
    const slash = record.indexOf('/')
    const permission = await this.#permission(record.slice(0, slash))
    if (!permission) return
    const query = { operation: 'read', recordId: record.slice(slash + 1), isRead: false } as const
    const isSeen =
      permission.readsAll || (await this.#runtime.run(accessStatement(permission, query))).rows.length > 0
    if (isSeen) this.#seen.add(record)
  }

  /** Looks at records that are about to be written. @param ids a query that selects their ids */
  async lookAtAll(entry: CatalogEntry, ids: SQL): Promise<void> {
    const permission = await this.#permission(entry.name)
    if (!permission) return
    const { recordId } = systemColumns(entry)
    const { rows } = await this.#runtime.execute(
      sql`select ${recordId} from ${entry.table}
        where ${recordId} in (${ids}) and ${toSql(permission.condition('read'))}`,
    )
    for (const [id] of rows) {
      const record = `${entry.name}/${id}`
      if (!this.#written.has(record)) this.#seen.add(record)
    }
  }

  /** Notes that a record was written: what is seen of it from here on is the call's own doing. */
  wrote(operation: WriteOperation, collection: string, recordId: string): void {
    const record = `${collection}/${recordId}`
    // A record that the call has made was nothing before.
    if (operation === 'create' && !this.#written.has(record)) this.#seen.delete(record)
    this.#written.add(record)
  }

  async #permission(collection: string): Promise<Permission | undefined> {
    const policy = this.#caller.policies.get(collection)
    const permission = policy?.for(await this.#caller.ruleActor())
    return permission?.allowsSome('read') ? permission : undefined
  }
}
