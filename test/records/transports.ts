import { randomUUID } from 'node:crypto'
import { type ActionResult, actionRegistry } from 'deputyjs'
import { z } from 'zod'
import type { AnyCollection } from '../../drizzle/engine/collection.ts'
import { HTTP_STATUS } from '../../server/core/errors.ts'
import type { CallerRecords } from '../../server/records/types.ts'
import type { AnyCollections } from '../../server/tools/types.ts'
import { type ActionContext, action } from '../fixture/deputy.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'
import { GALLERY_TABLES, gallery } from './gallery.ts'

type Records = CallerRecords<AnyCollections>

/** The data API as one caller meets it on one transport; every answer is an ActionResult. */
export interface Transport {
  readonly name: string
  /** Whether somebody who is not signed in can use it. */
  readonly isForAnonymous: boolean
  call(actor: string, verb: Verb, collection: string, input: Input): Promise<ActionResult<never>>
}

type Verb = 'get' | 'list' | 'count' | 'create' | 'update' | 'remove'

interface Input {
  readonly recordId?: string | undefined
  readonly data?: unknown
  readonly patch?: unknown
  readonly where?: unknown
  readonly limit?: number
  readonly cursor?: string | null
  readonly orderBy?: string
  readonly orderDir?: string
}

/** The gallery on a fresh database, with collections of a test's own, behind every transport. */
export async function openGallery(more: Readonly<Record<string, AnyCollection>> = {}) {
  const handlers = new Map<string, (ctx: ActionContext) => Promise<ActionResult<unknown>>>()
  const asCaller = action
    .input(z.strictObject({ id: z.string() }))
    .mutation(async ({ ctx, input }) => (handlers.get(input.id) ?? missing)(ctx))
  const app = await createTestApp({
    actions: actionRegistry({ asCaller }),
    collections: { ...gallery, ...more },
  })
  await execute(app.database, app.databaseUrl, GALLERY_TABLES)
  const url = await app.listen()
  const tokens = new Map<string, Promise<string>>()
  const headers = async (actor: string) => {
    const token = tokens.get(actor) ?? app.token(actor)
    tokens.set(actor, token)
    const bearer: Record<string, string> = { authorization: `Bearer ${await token}` }
    return { 'content-type': 'application/json', ...(actor === 'anonymous' ? {} : bearer) }
  }

  /** Runs a function of `ctx.asCaller` in an action of this user. */
  async function inAction<T>(userId: string, run: (records: Records) => Promise<ActionResult<T>>) {
    const id = randomUUID()
    handlers.set(id, (ctx) => run(ctx.asCaller as unknown as Records))
    const caller = await app.as(userId)
    const result = await caller.actions.asCaller({ id })
    handlers.delete(id)
    return result as ActionResult<T>
  }

  const trpc: Transport = {
    name: 'tRPC',
    isForAnonymous: true,
    async call(actor, verb, collection, input) {
      const path = `${url}/trpc/records.${collection}.${verb}`
      const isQuery = verb === 'get' || verb === 'list' || verb === 'count'
      const text = JSON.stringify({ json: input })
      const address = isQuery ? `${path}?input=${encodeURIComponent(text)}` : path
      const init = isQuery ? {} : { method: 'POST', body: text }
      const response = await fetch(address, { ...init, headers: await headers(actor) })
      const body = z.object({ result: z.object({ data: z.object({ json: z.unknown() }) }) })
      return body.parse(await response.json()).result.data.json as ActionResult<never>
    },
  }

  const rest: Transport = {
    name: 'REST',
    isForAnonymous: true,
    async call(actor, verb, collection, { recordId, data, patch, ...options }) {
      // There is no address for a count alone; a list says how many it holds.
      const isList = verb === 'list' || verb === 'count'
      const parameters = Object.entries(options).flatMap(([name, value]) =>
        value === undefined || value === null
          ? []
          : [[name, typeof value === 'object' ? JSON.stringify(value) : String(value)] as [string, string]],
      )
      const id = recordId === undefined ? '' : `/${encodeURIComponent(recordId)}`
      const query = isList ? `?${new URLSearchParams(parameters)}` : ''
      const update = { method: 'PATCH', body: JSON.stringify(patch) }
      const create = { method: recordId === undefined ? 'POST' : 'PUT', body: JSON.stringify(data) }
      const init = { get: {}, list: {}, count: {}, create, update, remove: { method: 'DELETE' } }[verb]
      const address = `${url}/api/records/${collection}${id}${query}`
      const response = await fetch(address, { ...init, headers: await headers(actor) })
      const result = (await response.json()) as ActionResult<never>
      const status = result.success ? 200 : HTTP_STATUS[result.code]
      if (response.status !== status)
        throw new Error(`${response.status} came with ${JSON.stringify(result)}`)
      return result
    },
  }

  const inActions: Transport = {
    name: 'asCaller',
    isForAnonymous: false,
    call: (actor, verb, collection, { recordId = '', data, patch, ...options }) =>
      inAction(actor, async (records) => {
        const answers = {
          get: () => records.get(collection, recordId),
          list: () => records.query(collection, options as never),
          count: () => records.count(collection, options.where as never),
          create: () => records.create(collection, data as never, (recordId || undefined) as never),
          update: () => records.update(collection, recordId, patch as never),
          remove: () => records.remove(collection, recordId),
        }
        return (await answers[verb]()) as ActionResult<never>
      }),
  }

  return {
    app,
    inAction,
    transports: [trpc, rest, inActions],
    execute: (text: string) => execute(app.database, app.databaseUrl, text),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  }
}

async function missing(): Promise<never> {
  throw new Error('No such handler')
}
