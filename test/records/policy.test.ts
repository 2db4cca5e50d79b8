import type { ActionResult } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MODES, type Mode, RULE_NAMES, type RuleName } from './gallery.ts'
import {
  type Actor,
  ALLOWED,
  type Code,
  CREATIONS,
  MOVES,
  NEVER,
  PEOPLE,
  ROLES,
  STATES,
  type State,
  UPSERTS,
} from './policy-table.ts'
import { openGallery, type Transport } from './transports.ts'

type Gallery = Awaited<ReturnType<typeof openGallery>>
let gallery: Gallery
beforeAll(async () => {
  gallery = await openGallery()
  const member = (team: string, user: string, status: string) =>
    `('${team}-${user}', now(), now(), '${team}', '${user}', '${status}')`
  await gallery.execute(`
    insert into team_members (record_id, created_at, updated_at, team_id, user_id, status)
    values ${[
      member('team-1', 'tina', 'active'),
      member('team-1', 'ivan', 'invited'),
      member('team-2', 'stan', 'active'),
    ].join(', ')};
    insert into users (record_id, created_at, updated_at, role)
    values ('edna', now(), now(), 'editor'), ('ann', now(), now(), 'admin')`)
})
afterAll(() => gallery[Symbol.asyncDispose]())

const ACTORS: readonly Actor[] = [...PEOPLE, 'anonymous']
const TRANSPORTS = ['tRPC', 'REST', 'asCaller'] as const

function transportNamed(name: string): Transport {
  const found = gallery.transports.find((transport) => transport.name === name)
  if (!found) throw new Error(`There is no transport ${name}`)
  return found
}

function codeOf(result: ActionResult<unknown>): Code {
  return result.success ? 'ok' : (result.code as Code)
}

let minted = 0
function mint(prefix: string): string {
  minted += 1
  return `${prefix}-${minted}`
}

/** Records in a state, as the app would have made them; carl created them. */
async function seed(collection: string, state: State, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => mint('record'))
  const { ownerId, sharedWith, teamId, isPublic, label } = STATES[state]
  const text = (value: string | null) => (value === null ? 'null' : `'${value}'`)
  const shared = sharedWith === null ? 'null' : `array['${sharedWith.join("','")}']`
  const row = (id: string) =>
    `('${id}', 'carl', ${text(ownerId)}, ${shared}, ${text(teamId)}, ${isPublic}, ${text(label)})`
  await gallery.execute(
    `insert into ${collection} (record_id, created_by, owner_id, shared_with, team_id, is_public, label)
     values ${ids.map(row).join(', ')}`,
  )
  return ids
}

async function versionOf(collection: string, recordId: string): Promise<number | undefined> {
  const { rows } = await gallery.app.database.query({
    sql: `select version from ${collection} where record_id = $1`,
    params: [recordId],
  })
  return rows[0] ? Number(rows[0][0]) : undefined
}

/** What the table says of an operation on a record of this state. */
function expected(rule: RuleName, mode: Mode, state: State, actor: Actor, reads: boolean): Code {
  if (mode === 'open' && reads) return 'ok'
  if (ALLOWED[rule][state].includes(actor)) return 'ok'
  if (NEVER[rule].includes(actor)) return 'FORBIDDEN'
  return mode === 'open' ? 'FORBIDDEN' : 'NOT_FOUND'
}

/** Reads one record in every way there is: what can be listed and counted is what can be got. */
async function expectReads(transport: Transport, actor: string, collection: string, id: string, code?: Code) {
  const where = { recordId: id }
  const [got, listed, counted] = await Promise.all([
    transport.call(actor, 'get', collection, { recordId: id }),
    transport.call(actor, 'list', collection, { where }),
    transport.call(actor, 'count', collection, { where }),
  ])
  if (code) expect(codeOf(got)).toBe(code)
  for (const list of [listed, counted]) {
    if (codeOf(got) === 'FORBIDDEN') expect(codeOf(list)).toBe('FORBIDDEN')
    else expect(list).toMatchObject({ success: true, data: { count: got.success ? 1 : 0 } })
  }
}

describe.each(TRANSPORTS)('over %s', (name) => {
  const inAction = name === 'asCaller'
  const serves = (actor: string) => !(inAction && actor === 'anonymous')

  describe.each(MODES)('a collection that is %s', (mode) => {
    it.each(RULE_NAMES)('under the rule "%s" does what the table says', async (rule) => {
      const transport = transportNamed(name)
      const collection = `${mode}_${rule}`
      for (const state of Object.keys(STATES) as State[]) {
        const actors = ACTORS.filter(serves)
        const ids = await seed(collection, state, actors.length)
        await Promise.all(
          actors.map(async (actor, at) => {
            const id = ids[at] ?? ''
            const about = `${actor}, ${state}`
            const reads = expected(rule, mode, state, actor, true)
            const writes = expected(rule, mode, state, actor, false)
            await expectReads(transport, actor, collection, id, reads)
            if (inAction) {
              for (const operation of ['read', 'update', 'remove'] as const) {
                const code = operation === 'read' ? reads : writes
                const asked = await gallery.inAction(actor, (records) =>
                  records.may(operation, collection, id),
                )
                expect([about, operation, codeOf(asked)]).toEqual([about, operation, code])
                const got = await gallery.inAction(actor, (records) =>
                  records.get(collection, id, { may: operation }),
                )
                expect([about, operation, codeOf(got)]).toEqual([about, operation, code])
              }
            }
            const patch = { note: 'written' }
            const updated = await transport.call(actor, 'update', collection, { recordId: id, patch })
            expect([about, codeOf(updated)]).toEqual([about, writes])
            expect(await versionOf(collection, id)).toBe(writes === 'ok' ? 2 : 1)
            const removed = await transport.call(actor, 'remove', collection, { recordId: id })
            expect([about, codeOf(removed)]).toEqual([about, writes])
            expect((await versionOf(collection, id)) === undefined).toBe(writes === 'ok')
          }),
        )
      }
    })

    it.each(MOVES)('"%s": %s changes a %s record by %j: %s', async (rule, actor, state, patch, code) => {
      if (!serves(actor)) return
      const collection = `${mode}_${rule}`
      const [recordId = ''] = await seed(collection, state, 1)
      const updated = await transportNamed(name).call(actor, 'update', collection, { recordId, patch })
      expect(codeOf(updated)).toBe(code)
      expect(await versionOf(collection, recordId)).toBe(code === 'ok' ? 2 : 1)
      await expectReads(transportNamed(name), actor, collection, recordId)
    })

    it.each(CREATIONS)('"%s": %s creates %j: %s', async (rule, actor, data, code) => {
      if (!serves(actor)) return
      const collection = `${mode}_${rule}`
      const countAll = async () => {
        const { rows } = await gallery.app.database.query({
          sql: `select count(*) from ${collection}`,
          params: [],
        })
        return Number(rows[0]?.[0])
      }
      const before = await countAll()
      expect(codeOf(await transportNamed(name).call(actor, 'create', collection, { data }))).toBe(code)
      expect((await countAll()) - before).toBe(code === 'ok' ? 1 : 0)
      const recordId = mint('chosen')
      const put = await transportNamed(name).call(actor, 'create', collection, { data, recordId })
      expect(codeOf(put)).toBe(code)
      expect(await versionOf(collection, recordId)).toBe(code === 'ok' ? 1 : undefined)
      await expectReads(transportNamed(name), actor, collection, recordId)
    })
  })

  it.each(UPSERTS)('"%s": %s puts to a %s record %j: %s', async (rule, actor, state, data, code) => {
    const collection = `strict_${rule}`
    const [recordId = ''] = await seed(collection, state, 1)
    const put = await transportNamed(name).call(actor, 'create', collection, { data, recordId })
    expect(codeOf(put)).toBe(code)
    expect(await versionOf(collection, recordId)).toBe(code === 'ok' ? 2 : 1)
    await expectReads(transportNamed(name), actor, collection, recordId)
  })

  it.each(ROLES)(
    'the collection "%s" is to %s what their role makes it',
    async (collection, actor, codes) => {
      if (!serves(actor)) return
      const transport = transportNamed(name)
      const [recordId = ''] = await seed(collection, 'private', 1)
      await expectReads(transport, actor, collection, recordId, codes.read)
      const inputs = {
        create: { data: { note: 'x' } },
        update: { recordId, patch: { note: 'x' } },
        remove: { recordId },
      }
      const call = async (verb: 'create' | 'update' | 'remove') =>
        codeOf(await transport.call(actor, verb, collection, inputs[verb]))
      expect({
        create: await call('create'),
        update: await call('update'),
        remove: await call('remove'),
      }).toEqual({
        create: codes.create,
        update: codes.update,
        remove: codes.remove,
      })
    },
  )
})
