import { randomUUID } from 'node:crypto'
import { fail, ok } from 'deputyjs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { FailpointName } from '../../server/invocation/engine.ts'
import type { ActionContext } from '../fixture/deputy.ts'
import { eventData } from '../invocation/probe.ts'
import { checkLedger, fund } from '../ledger/ledger.ts'
import { mail, openPost, type Post, sms } from './post.ts'

// limits.md: messages

let post: Post
let onFailpoint: (name: FailpointName) => void | Promise<void>
beforeAll(async () => {
  post = await openPost({ failpoint: (name) => onFailpoint(name) })
  await fund(post.app.database, 'owner', 10_000_000)
  await fund(post.app.database, 'ada', 10_000)
  post.startSending()
})
afterAll(() => post[Symbol.asyncDispose]())
beforeEach(() => {
  onFailpoint = () => {}
})

const sentTo = (to: string) => post.received('/mail').filter(({ body }) => (body as { to: string }).to === to)
const holds = async () => Number((await post.rows('select count(*) from deputy.credit_holds'))[0]?.[0])
const isQuiet = async () => (await post.count('queued')) === 0 && (await holds()) === 0
const quiet = () => expect.poll(isQuiet).toBe(true)

const first = {
  'after data': (ctx: ActionContext) => ctx.tools.create('events', eventData()),
  'without any data': async () => undefined,
}

describe.each(Object.entries(first))('a message, %s', (_name, start) => {
  it('is sent after the commit, once, under its own id', async () => {
    const to = randomUUID()
    let sentBefore = 0
    onFailpoint = (name) => {
      if (name === 'before-commit') sentBefore += sentTo(to).length
    }
    const queued = await post.act(async (ctx) => {
      await start(ctx)
      return mail(ctx, to)
    })
    expect(queued).toMatchObject({ success: true, data: { messageId: expect.any(String) } })
    await quiet()
    const { messageId } = queued.success ? (queued.data as { messageId: string }) : { messageId: '' }
    expect(sentBefore).toBe(0)
    expect(sentTo(to)).toMatchObject([{ idempotencyKey: messageId, body: { to } }])
    await checkLedger(post.app.database)
  })

  const broken = {
    'that fails': async () => fail('CONFLICT', 'Not today.'),
    'that throws': async () => Promise.reject(new Error('broken')),
    'that a statement breaks': (ctx: ActionContext) =>
      ctx.tools.sql((database) => database.execute('select 1 / 0')),
  }
  it.each(Object.entries(broken))('is never sent for an action %s', async (_what, ending) => {
    const to = randomUUID()
    const call = post.act(async (ctx) => {
      await start(ctx)
      await mail(ctx, to)
      return ending(ctx)
    })
    expect(await call.catch(() => 'thrown')).not.toMatchObject({ success: true })
    // What was queued later is sent, so what was queued before would have been.
    await post.act((ctx) => mail(ctx, `after ${to}`))
    await expect.poll(() => sentTo(`after ${to}`).length).toBe(1)
    await quiet()
    expect(sentTo(to)).toEqual([])
  })

  it('is queued once by a handler that is run again', async () => {
    const to = randomUUID()
    let runs = 0
    const queued = await post.act(async (ctx) => {
      runs += 1
      await start(ctx)
      const message = await mail(ctx, to)
      await ctx.tools.count('events')
      await ctx.tools.once('pause', () => 1)
      await ctx.tools.once('another', () => 1)
      return message
    })
    expect(queued).toMatchObject({ success: true })
    expect(runs).toBeGreaterThan(2)
    await quiet()
    expect(sentTo(to)).toHaveLength(1)
  })
})

it('two equal messages of one action are two, and keep their keys apart', async () => {
  const to = randomUUID()
  await post.act(async (ctx) => {
    await mail(ctx, to)
    return mail(ctx, to)
  })
  await quiet()
  expect(sentTo(to)).toHaveLength(2)
  expect(new Set(sentTo(to).map(({ idempotencyKey }) => idempotencyKey)).size).toBe(2)
})

it('a call that is repeated under its key queues nothing again', async () => {
  const [to, once] = [randomUUID(), { key: randomUUID(), id: randomUUID() }]
  const answers = []
  for (let time = 0; time < 2; time += 1) answers.push(await post.act((ctx) => mail(ctx, to), 'ada', once))
  expect(answers[1]).toEqual(answers[0])
  await quiet()
  expect(sentTo(to)).toHaveLength(1)
})

it('one call queues 1000 messages, and not one more', async () => {
  await using waiting = await openPost({ isOwnerUnmetered: true })
  const most = await waiting.act(async (ctx) => {
    for (let nth = 0; nth < 1_000; nth += 1) {
      const queued = await mail(ctx, String(nth))
      if (!queued.success) return queued
    }
    const more = await mail(ctx, 'one more')
    return ok({ more: more.success ? 'queued' : more.code })
  }, 'owner')
  expect(most).toEqual(ok({ more: 'PRECONDITION_FAILED' }))
  const queued = await waiting.rows('select count(*), count(distinct data) from deputy.queue')
  expect(queued[0]?.map(Number)).toEqual([1_000, 1_000])
})

it('data that its endpoint does not take is refused when it is queued', async () => {
  const wrong = await post.act((ctx) => ctx.tools.enqueue('mail/send', { from: 'me' }))
  expect(wrong).toMatchObject({
    success: false,
    code: 'BAD_REQUEST',
    issues: [{ path: expect.any(Array) }, {}],
  })
  const unknown = await post.act((ctx) => ctx.tools.enqueue('mail/burn', {}))
  expect(unknown).toMatchObject({ success: false, code: 'NOT_FOUND' })
})

it('nothing can be queued inside a once', async () => {
  const call = post.act(async (ctx) => {
    const inside = await ctx.tools.once('inside', async () => {
      await mail(ctx, 'inside')
      return 1
    })
    return inside
  })
  await expect(call).rejects.toMatchObject({ code: 'INTERNAL_SERVER_ERROR' })
  expect(sentTo('inside')).toEqual([])
})

it.each(Object.entries(first))(
  'what is queued after the handler has returned is not, %s',
  async (_name, start) => {
    const to = randomUUID()
    let late: () => void = () => {}
    const isLate = new Promise<void>((resolve) => {
      late = resolve
    })
    onFailpoint = async (name) => {
      if (name !== 'before-commit') return
      late()
      await new Promise(setImmediate)
    }
    const queued = await post.act(async (ctx) => {
      await start(ctx)
      // While what the first one costs is set aside, and when it has been.
      for (const later of [new Promise(setImmediate), isLate]) void later.then(() => mail(ctx, to))
      return mail(ctx, `first ${to}`)
    })
    expect(queued).toMatchObject({ success: true })
    await quiet()
    expect(sentTo(`first ${to}`)).toHaveLength(1)
    expect(sentTo(to)).toEqual([])
    await checkLedger(post.app.database)
  },
)

it('the call and its messages are in the audit log, with who pays', async () => {
  const queued = await post.act((ctx) => sms(ctx, '1'), 'ada')
  const { messageId } = queued.success ? (queued.data as { messageId: string }) : { messageId: '' }
  const written = JSON.stringify([{ op: 'create', collection: 'outbox', recordId: messageId }])
  const found = await post.rows(
    'select actor, outcome, payers from deputy.audit_log where writes @> $1::text::jsonb',
    written,
  )
  expect(found).toMatchObject([['ada', 'OK', expect.anything()]])
  expect(String(found[0]?.[2])).toContain('caller')
})
