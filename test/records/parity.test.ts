import type { ActionResult } from 'deputyjs'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { MODES, RULE_NAMES } from './gallery.ts'
import { openGallery } from './transports.ts'

const RUNS = 30
type Gallery = Awaited<ReturnType<typeof openGallery>>
let gallery: Gallery
beforeAll(async () => {
  gallery = await openGallery()
})
afterAll(() => gallery[Symbol.asyncDispose]())

const USERS = ['ada', 'bob', 'cyd'] as const
const user = fc.constantFrom(...USERS)
const rows = fc.array(
  fc.record({
    createdBy: fc.option(user),
    ownerId: fc.option(fc.oneof(user, fc.constant(''))),
    sharedWith: fc.option(fc.uniqueArray(user)),
    teamId: fc.option(fc.constantFrom('red', 'blue')),
    isPublic: fc.boolean(),
    label: fc.option(fc.constantFrom('open', 'closed')),
    note: fc.option(fc.constantFrom('a', 'b')),
  }),
  { maxLength: 12 },
)
const memberships = fc.array(
  fc.record({
    teamId: fc.constantFrom('red', 'blue'),
    userId: user,
    status: fc.constantFrom('active', 'invited'),
  }),
  { maxLength: 4 },
)

type Generated<T> = T extends fc.Arbitrary<infer U> ? U : never

const text = (value: string | null) => (value === null ? 'null' : `'${value}'`)

async function store(
  collection: string,
  records: Generated<typeof rows>,
  members: Generated<typeof memberships>,
) {
  const values = records.map(
    (row, at) => `('r-${at}', ${text(row.createdBy)}, ${text(row.ownerId)},
      ${row.sharedWith === null ? 'null' : `array[${row.sharedWith.map(text)}]::text[]`},
      ${text(row.teamId)}, ${row.isPublic}, ${text(row.label)}, ${text(row.note)})`,
  )
  const joined = members.map(
    ({ teamId, userId, status }, at) => `('m-${at}', '${teamId}', '${userId}', '${status}')`,
  )
  await gallery.execute(
    [
      `delete from ${collection}; delete from team_members`,
      values.length === 0
        ? ''
        : `insert into ${collection}
             (record_id, created_by, owner_id, shared_with, team_id, is_public, label, note)
           values ${values.join(', ')}`,
      joined.length === 0
        ? ''
        : `insert into team_members (record_id, team_id, user_id, status) values ${joined.join(', ')}`,
    ].join(';'),
  )
}

interface Listed {
  readonly records: readonly { readonly recordId: string }[]
  readonly nextCursor: string | null
}

function dataOf<T>(result: ActionResult<unknown>): T | undefined {
  if (result.success) return result.data as T
  if (result.code === 'FORBIDDEN') return undefined
  throw new Error(result.error)
}

it('what is listed, counted and asked for is exactly what can be got and written', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...MODES),
      fc.constantFrom(...RULE_NAMES),
      rows,
      memberships,
      user,
      fc.record({
        limit: fc.integer({ min: 1, max: 5 }),
        orderBy: fc.constantFrom('createdAt', 'recordId', 'ownerId', 'note', 'isPublic'),
        orderDir: fc.constantFrom('asc', 'desc'),
      }),
      async (mode, rule, records, members, actor, options) => {
        const collection = `${mode}_${rule}`
        await store(collection, records, members)
        const all = records.map((_row, at) => `r-${at}`)
        const seen = await gallery.inAction(actor, async (as) => {
          const listed: string[] = []
          let isDenied = false
          for (let cursor: string | null | undefined; cursor !== null; ) {
            const page = await as.query(collection, { ...options, cursor } as never)
            const data: Listed | undefined = dataOf<Listed>(page)
            isDenied = data === undefined
            listed.push(...(data?.records ?? []).map(({ recordId }) => recordId))
            cursor = data?.nextCursor ?? null
          }
          const got: string[] = []
          for (const id of all) {
            const one = await as.get(collection, id)
            const asked = await as.may('read', collection, id)
            expect(asked.success).toBe(one.success)
            expect(await as.get(collection, id, { may: 'read' })).toEqual(one)
            if (one.success) got.push(id)
          }
          const count = dataOf<{ count: number }>(await as.count(collection))?.count
          expect(count).toBe(isDenied ? undefined : got.length)
          expect(new Set(listed).size).toBe(listed.length)
          expect([...listed].sort()).toEqual([...got].sort())
          // What may be done is asked before it is done, and is what then comes of it.
          for (const id of all) {
            const [update, remove] = [
              await as.may('update', collection, id),
              await as.may('remove', collection, id),
            ]
            const got = [
              await as.get(collection, id, { may: 'update' }),
              await as.get(collection, id, { may: 'remove' }),
            ]
            expect(got.map(codeOf)).toEqual([update, remove].map(codeOf))
            const updated = await as.update(collection, id, { note: 'c' } as never)
            const removed = await as.remove(collection, id)
            expect([updated, removed].map(codeOf)).toEqual([update, remove].map(codeOf))
          }
          return { success: true, data: listed.length } as const
        })
        expect(seen.success).toBe(true)
      },
    ),
    { numRuns: RUNS },
  )
})

function codeOf(result: ActionResult<unknown>): string {
  return result.success ? 'ok' : result.code
}
