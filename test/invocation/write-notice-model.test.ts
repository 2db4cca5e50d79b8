import { ok } from 'deputyjs'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { post } from '../http/send.ts'
import { type Context, openRehearsal, type Rehearsal } from './dry-run-app.ts'

const RUNS = 40
const IDS = ['a', 'b', 'c', 'd'] as const

let app: Rehearsal
let url: string
beforeAll(async () => {
  app = await openRehearsal()
  url = await app.app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

const id = fc.constantFrom(...IDS)
const title = fc.constantFrom('red', 'green')
const isPublic = fc.boolean()
const verb = fc.oneof(
  fc.record({ verb: fc.constant('merge'), id, title, isPublic }),
  fc.record({ verb: fc.constant('show'), id, isPublic }),
  fc.record({ verb: fc.constantFrom('count', 'remove', 'shelve', 'unshelve', 'fill'), id }),
  fc.record({ verb: fc.constant('show all'), title, isPublic }),
  fc.record({ verb: fc.constant('remove all'), title }),
)
type Verb = { verb: string; id?: string; title?: string; isPublic?: boolean }

function run({ tools }: Context, { verb, id = '', title = '', isPublic = false }: Verb): Promise<unknown> {
  switch (verb) {
    case 'merge':
      return tools.create('notes', { title, isPublic }, id)
    case 'show':
      return tools.update('notes', id, { isPublic })
    case 'count':
      return tools.increment('notes', id, { pages: 1 })
    case 'remove':
      return tools.remove('notes', id)
    case 'shelve':
      return tools.create('shelves', {}, id)
    case 'unshelve':
      return tools.remove('shelves', id)
    case 'fill':
      return tools.create('vaults', { content: 'x' }, id)
    case 'show all':
      return tools.updateWhere('notes', { title }, { isPublic })
    default:
      return tools.deleteWhere('notes', { title: { contains: title } })
  }
}

/** Every record that a user reads, whole, by collection and id. */
async function visibleTo(user: string): Promise<Map<string, string>> {
  const headers = { authorization: `Bearer ${await app.app.token(user)}` }
  const read = async (collection: string) => {
    const answer = await fetch(`${url}/api/records/${collection}?limit=100`, { headers })
    const { data } = (await answer.json()) as { data?: { records: { recordId: string }[] } }
    return (data?.records ?? []).map(
      (record) => [`${collection}/${record.recordId}`, JSON.stringify(record)] as const,
    )
  }
  return new Map((await Promise.all(['notes', 'shelves', 'vaults'].map(read))).flat())
}

it('tells each caller of the records that change for them, and of no other', async () => {
  let told = 0
  let kept = 0
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('ada', 'bob', 'owner'),
      fc.array(verb, { minLength: 1, maxLength: 8 }),
      async (user, verbs) => {
        const before = await visibleTo(user)
        const all = await visibleTo('owner')
        const answer = await post(`${url}/api/actions/open`, {
          token: await app.app.token(user),
          headers: { 'deputy-tell-writes': 'true' },
          body: JSON.stringify({
            id: app.keep(async (ctx) => {
              for (const verb of verbs) await run(ctx, verb)
              return ok(null)
            }),
          }),
        })
        expect(answer.status).toBe(200)
        const notice = answer.headers.get('deputy-writes')?.split(' ') ?? []
        const changed = differences(before, await visibleTo(user))
        told += notice.length
        kept += differences(all, await visibleTo('owner')).length - changed.length
        expect([...notice].sort()).toEqual(changed)
      },
    ),
    {
      numRuns: RUNS,
      // What someone is told of, and what they are not, whatever else is drawn.
      examples: [
        ['owner', [{ verb: 'fill', id: 'a' }]],
        ['ada', [{ verb: 'fill', id: 'b' }]],
      ],
    },
  )
  expect([told > 0, kept > 0]).toEqual([true, true])
}, 180_000)

function differences(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const all = new Set([...before.keys(), ...after.keys()])
  return [...all].filter((record) => before.get(record) !== after.get(record)).sort()
}
