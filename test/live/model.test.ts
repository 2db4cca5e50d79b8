import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { ownerAction } from '../fixture/deputy.ts'
import { GALLERY_TABLES, gallery } from '../records/gallery.ts'
import { execute } from '../support/execute.ts'
import { shortened } from '../support/shortened.ts'
import { createTestApp } from '../support/test-app.ts'
import { Follower } from './follower.ts'

// Whatever is written by whomever, under whatever rule: each stream comes to the page that a fresh list shows its caller.

/** Those first that differ most; the short test has streams of six of them. */
const COLLECTIONS = [
  ...['strict_own', 'strict_team', 'strict_shared', 'strict_function', 'edited', 'admins'],
  ...['strict_collaborator', 'strict_published', 'strict_labelled', 'strict_unclaimed', 'strict_created'],
  ...['strict_all', 'strict_none', 'strict_chosen', 'strict_empty', 'open_own', 'starred'],
]
const FOLLOWED = COLLECTIONS.slice(0, shortened({ short: 6, whole: COLLECTIONS.length }))
const USERS = ['ann', 'bob', 'stan']
const ACTORS = [...USERS, undefined]
const TEAMS = ['red', 'blue']
const RUNS = shortened({ short: 5, whole: 60 })
const LONGEST_MS = shortened({ short: 300_000, whole: 1_200_000 })

const written = z.strictObject({
  collection: z.string(),
  recordId: z.string(),
  data: z.record(z.string(), z.unknown()).nullable(),
})
const actions = {
  /** Writes or removes a record by the app's own authority. */
  write: ownerAction.input(written).mutation(({ ctx, input: { collection, recordId, data } }) => {
    const name = collection as 'events'
    return data
      ? ctx.tools.create(name, data as never, recordId)
      : (ctx.tools.remove(name, recordId) as ReturnType<typeof ctx.tools.create>)
  }),
}

const oneOf = <T>(values: readonly T[]) => fc.constantFrom(...values)
const orNull = <T>(values: readonly T[]) => oneOf([...values, null])
const recordWrite = fc.record({
  kind: fc.constant('write' as const),
  collection: oneOf(FOLLOWED),
  recordId: oneOf(['d0', 'd1', 'd2']),
  data: fc.option(
    fc.record({
      ownerId: orNull(USERS),
      sharedWith: fc.option(fc.subarray(USERS), { nil: null }),
      teamId: orNull(TEAMS),
      isPublic: fc.boolean(),
      label: orNull(['open', 'closed']),
      note: oneOf(['one', 'two']),
    }),
    { nil: null, freq: 4 },
  ),
})
const membership = fc
  .record({ userId: oneOf(USERS), teamId: oneOf(TEAMS), status: oneOf(['active', 'invited']) })
  .map((data) => ({
    kind: 'write' as const,
    collection: 'team_members',
    recordId: `${data.teamId}-${data.userId}`,
    data,
  }))
const role = fc.record({
  kind: fc.constant('role' as const),
  userId: oneOf(USERS),
  role: oneOf(['member', 'admin', 'editor']),
})
const commands = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: recordWrite },
    { weight: 2, arbitrary: membership },
    { weight: 1, arbitrary: role },
  ),
  { minLength: 1, maxLength: 12 },
)

const team = { collection: 'team_members', recordId: 'red-ann' }
const joined = { userId: 'ann', teamId: 'red', status: 'active' }
const ofRed = {
  ownerId: null,
  sharedWith: null,
  teamId: 'red',
  isPublic: false,
  label: null,
  note: 'one',
} as const
/** What others are given by nothing but a membership: each is waited for before the next one. */
const MEMBERSHIP = [
  { kind: 'write' as const, collection: 'strict_team', recordId: 'd0', data: ofRed },
  { kind: 'write' as const, ...team, data: joined },
  { kind: 'write' as const, ...team, data: { ...joined, status: 'invited' } },
]

let app: Awaited<ReturnType<typeof openApp>>
const openApp = () =>
  createTestApp<typeof actions, typeof gallery>({
    actions,
    collections: gallery,
    livePace: { roundEveryMs: 10 },
    liveLimits: { perUser: 100, perAddress: 100 },
  })
beforeAll(async () => {
  app = await openApp()
  await execute(app.database, app.databaseUrl, GALLERY_TABLES)
})
afterAll(() => app[Symbol.asyncDispose]())

it(
  'the last page of each stream is a fresh list, whatever the rules, the writes and the callers',
  async () => {
    const url = await app.listen()
    const owner = await app.as('owner')
    const tokens = new Map(
      await Promise.all(USERS.map(async (userId) => [userId, await app.token(userId)] as const)),
    )
    for (const userId of USERS) {
      const caller = await app.as(userId)
      await caller.users.register()
    }
    const streams = FOLLOWED.flatMap((collection) =>
      ACTORS.map((actor) => {
        const address = `${url}/api/records/${collection}?limit=50`
        const token = actor === undefined ? undefined : tokens.get(actor)
        const headers: Record<string, string> =
          token === undefined ? {} : { authorization: `Bearer ${token}` }
        return {
          what: `${collection} as ${actor}`,
          address,
          headers,
          follower: new Follower(() => address, token),
        }
      }),
    )
    let pages = 0
    const settle = async () => {
      for (const { what, address, headers, follower } of streams) {
        const fresh = await fetch(address, { headers })
        const json = (await fresh.json()) as { data?: { records: unknown[] } }
        await vi.waitFor(
          () => {
            if (fresh.status !== 200) expect([what, follower.refused]).toEqual([what, fresh.status])
            else expect([what, follower.shown?.records]).toEqual([what, json.data?.records])
          },
          { interval: 10 },
        )
        pages += json.data?.records.length ? 1 : 0
      }
    }
    await fc.assert(
      fc.asyncProperty(commands, async (list) => {
        for (const { kind, ...command } of list) {
          if (kind === 'role') await owner.users.setRole(command as never)
          else await owner.actions.write(command as never)
        }
        await settle()
      }),
      {
        numRuns: RUNS + MEMBERSHIP.length,
        endOnFailure: true,
        examples: MEMBERSHIP.map((command): [typeof MEMBERSHIP] => [[command]]),
      },
    )
    // The check has not gone blind.
    expect(pages).toBeGreaterThan(RUNS)
    for (const { follower } of streams) follower.stop()
  },
  LONGEST_MS,
)
