import { randomUUID } from 'node:crypto'
import { fail, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { formatAuditEntry } from '../../server/audit/format-entry.ts'
import { action, ownerAction } from '../fixture/deputy.ts'
import { post } from '../http/send.ts'
import { createTestApp } from '../support/test-app.ts'

// limits.md: failing-rows

const nothing = z.strictObject({})
const actions = {
  act: action.input(nothing).mutation(async ({ ctx }) => ctx.tools.create('events', event)),
  always: action
    .input(nothing)
    .meta({ audit: 'always' })
    .mutation(async () => ok({})),
  mail: action.input(nothing).mutation(async ({ ctx }) => {
    await ctx.tools.once('mail', async () => ({}))
    return fail('CONFLICT', 'It was sent all the same.')
  }),
  mine: ownerAction.input(nothing).mutation(async () => ok({})),
}
const event = { title: 'Launch', startsAt: new Date('2030-01-01T18:00:00Z'), capacity: 20 }
const WHOLE = 30

const openApp = () => createTestApp<typeof actions>({ actions, wholeFailures: WHOLE })
let app: Awaited<ReturnType<typeof openApp>>
let url: string
beforeAll(async () => {
  app = await openApp()
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

/** Sends calls in batches of ten. */
async function flood(path: string, calls: number, as?: string, input: unknown = {}) {
  const body = JSON.stringify(
    Object.fromEntries(Array.from({ length: 10 }, (_, nth) => [nth, { json: input }])),
  )
  const token = as === undefined ? undefined : await app.token(as)
  for (let sent = 0; sent < calls; sent += 10)
    await post(`${url}/trpc/${Array(10).fill(path).join()}?batch=1`, { token, body })
}

async function rowsOf(actor: string) {
  const owner = await app.as('owner')
  const page = await owner.audit.list({ actor, limit: 200 })
  if (!page.success) throw new Error(page.error)
  return page.data.entries
}

const linesOf = (actor: string, msg = 'Call') =>
  app.logged.filter((line) => line.msg === msg && line.actor === actor)
const sum = (numbers: readonly unknown[]) => numbers.reduce<number>((total, each) => total + Number(each), 0)
const SUMMARY = 'Calls that have failed and have no line of their own'

describe('a member who fails again and again', () => {
  it('leaves some rows and lines, and a summary that has counted all others', async () => {
    const eve = randomUUID()
    await flood('actions.mine', 300, eve)
    await flood('actions.act', 40, eve, { no: 1 })
    expect(await rowsOf(eve)).toHaveLength(WHOLE + 6)
    await app.settle()
    const rows = await rowsOf(eve)
    expect(sum(rows.map(({ calls }) => calls))).toBe(340)
    expect(rows).toHaveLength(WHOLE + 6 + 2)
    expect(linesOf(eve)).toHaveLength(WHOLE + 6)
    expect(sum(linesOf(eve, SUMMARY).map(({ calls }) => calls))).toBe(340 - WHOLE - 6)
    const summaries = rows.filter(({ calls }) => calls > 1)
    expect(summaries.map(({ action, outcome }) => [action, outcome]).sort()).toEqual([
      ['act', 'BAD_REQUEST'],
      ['mine', 'FORBIDDEN'],
    ])
    expect(summaries[0] && formatAuditEntry(summaries[0])).toMatch(
      /\t(?:BAD_REQUEST|FORBIDDEN) \(\d+ calls\)\t/,
    )
  })

  it('hides behind the noise neither what else they tried nor what was done before it failed', async () => {
    const eve = randomUUID()
    await flood('actions.act', 50, eve, { no: 1 })
    await flood('actions.mine', 10, eve)
    await flood('actions.mail', 40, eve)
    const rows = await rowsOf(eve)
    const of = (name: string) => rows.filter(({ action, calls }) => action === name && calls === 1).length
    expect([of('mine'), of('mail')]).toEqual([3, 40])
  })

  it('has a row for each call that succeeds all the same', async () => {
    const ada = randomUUID()
    await flood('actions.mine', 100, ada)
    await flood('actions.act', 50, ada)
    await flood('actions.always', 50, ada)
    const rows = await rowsOf(ada)
    expect(rows.filter(({ outcome }) => outcome === 'OK')).toHaveLength(100)
    expect(linesOf(ada).filter(({ code }) => code === 'OK')).toHaveLength(100)
  })

  it('is shown to the owner over REST as one row that says how many calls it stands for', async () => {
    const eve = randomUUID()
    await flood('actions.mine', 60, eve)
    await app.settle()
    const headers = { authorization: `Bearer ${await app.token('owner')}` }
    const answer = await fetch(`${url}/api/audit?actor=${eve}&limit=1`, { headers })
    expect(await answer.json()).toMatchObject({
      data: {
        entries: [{ actor: eve, action: 'mine', outcome: 'FORBIDDEN', calls: 30, attempts: 0, input: null }],
      },
    })
  })
})

describe('a stranger', () => {
  it('leaves some lines, of failing calls and of tokens that are no good, and no rows', async () => {
    await flood('records.events.create', 200, undefined, { data: {} })
    const whole = app.logged.filter(({ msg, actor }) => msg === 'Call' && actor === 'anonymous').length
    const refused = () => app.logged.filter(({ msg }) => msg === 'A token was refused').length
    for (let nth = 0; nth < 50; nth += 1) await post(`${url}/api/actions/act`, { token: `no.such.${nth}` })
    // They are counted with the calls of the same address; three of them are whole in any case.
    expect(whole + refused()).toBeLessThanOrEqual(WHOLE + 3 + 2)
    await app.settle()
    const counted = app.logged.filter(
      ({ msg, actor }) => msg === SUMMARY && String(actor).startsWith('address '),
    )
    expect(whole + refused() + sum(counted.map(({ calls }) => calls))).toBe(250)
  })
})
