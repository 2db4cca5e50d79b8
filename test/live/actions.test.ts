import { fail, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { action } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'
import { type ReadStreamOptions, readExpiring, readStream, type Shown } from './read-stream.ts'
import { shownActions } from './shown-actions.ts'

const event = (title: string, more = {}) => ({
  title,
  startsAt: new Date('2030-01-01'),
  capacity: 10,
  ...more,
})

describe('a live query of an action', () => {
  const { actions, runsOf, hooks } = shownActions()
  const open = () =>
    createTestApp({ actions, livePace: { roundEveryMs: 20, checkEveryMs: 200, lookEveryMs: 600_000 } })
  let app: Awaited<ReturnType<typeof open>>
  let url: string
  beforeAll(async () => {
    app = await open()
    url = await app.listen()
  })
  afterAll(() => app[Symbol.asyncDispose]())

  async function show(userId: string, action: string, input: object = {}, more: ReadStreamOptions = {}) {
    return readStream(`${url}/api/actions/${action}`, { token: await app.token(userId), input, ...more })
  }
  async function create(userId: string, title: string, more = {}) {
    const made = await (await app.as(userId)).records.events.create({ data: event(title, more) })
    if (!made.success) throw new Error(made.error)
    return made.data.recordId
  }
  async function setRole(userId: string, role: string) {
    await (await app.as(userId)).users.register()
    const set = await (await app.as('owner')).users.setRole({ userId, role })
    if (!set.success) throw new Error(set.error)
  }
  /** An attendee, written by another program. */
  async function invite(eventId: string, attendeeId: string) {
    await app.database.write({
      sql: `insert into attendees (record_id, created_at, updated_at, event_id, attendee_id)
        values ($1::text, now(), now(), $2::text, $3::text)`,
      params: [`${eventId}-${attendeeId}`, eventId, attendeeId],
    })
    app.engine.changes.tell(new Set(['attendees']))
  }
  const dataOf = (shown: Shown | undefined) => shown?.data as Record<string, unknown> | undefined
  const titles = (shown: Shown | undefined) => dataOf(shown)?.titles

  it('shows its result as it is now, and after each change as it is then', async () => {
    await create('ada-1', 'b')
    const stream = await show('ada-1', 'listMine')
    await stream.until(({ answers }) => answers.length === 1)
    expect([stream.status, stream.response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    const recordId = await create('ada-1', 'a')
    await stream.until(({ last }) => JSON.stringify(titles(last)) === '["a","b"]')
    await (await app.as('ada-1')).records.events.remove({ recordId })
    await stream.until(({ answers }) => answers.length === 3)
    expect(stream.answers).toEqual([
      { success: true, data: { titles: ['b'] } },
      { success: true, data: { titles: ['a', 'b'] } },
      { success: true, data: { titles: ['b'] } },
    ])
    expect(stream.text).not.toContain('CANARY')
    stream.close()
  })

  it('is run again for a write of what it read, and for no other', async () => {
    const stream = await show('ada-2', 'countAttendees')
    const mine = await show('ada-2', 'listMine')
    const eventId = await create('ada-2', 'one')
    await mine.until(({ answers }) => answers.length === 2)
    const before = runsOf('listMine')
    const guests = Number(dataOf(stream.last)?.count)
    await invite(eventId, 'ben-2')
    await stream.until(({ last }) => dataOf(last)?.count === guests + 1)
    expect(runsOf('listMine')).toBe(before)
    // A cascade of what it did not read removes what it did.
    await (await app.as('ada-2')).records.events.remove({ recordId: eventId })
    await stream.until(({ last }) => dataOf(last)?.count === guests)
    stream.close()
    mine.close()
  })

  it('follows what it reads from one run to the next', async () => {
    const stream = await show('ada-3', 'guestsOfAny')
    await stream.until(({ answers }) => answers.length === 1)
    expect(stream.last).toEqual({ success: true, data: { guests: -1 } })
    const eventId = await create('ada-3', 'one')
    await stream.until(({ last }) => Number(dataOf(last)?.guests) >= 0)
    const guests = Number(dataOf(stream.last)?.guests)
    await invite(eventId, 'ben-3')
    await stream.until(({ last }) => dataOf(last)?.guests === guests + 1)
    stream.close()
  })

  it('by SQL of its own, or under a rule that is a function, is run again after any write', async () => {
    const [bySql, visible] = [await show('ada-4', 'countBySql'), await show('ada-4', 'listVisible')]
    await bySql.until(({ answers }) => answers.length === 1)
    await visible.until(({ answers }) => answers.length === 1)
    const before = [runsOf('countBySql'), runsOf('listVisible')]
    app.engine.changes.tell(new Set(['analytics']))
    await vi.waitFor(() =>
      expect([runsOf('countBySql'), runsOf('listVisible')]).toEqual(before.map((runs) => runs + 1)),
    )
    expect([bySql.answers.length, visible.answers.length]).toEqual([1, 1])
    bySql.close()
    visible.close()
  })

  it('shows a failure as the answer that it is, and what comes after it', async () => {
    const stream = await show('ada-5', 'getAsCaller', { eventId: 'of-ada-5' })
    await stream.until(({ answers }) => answers.length === 1)
    expect(stream.last).toMatchObject({ success: false, code: 'NOT_FOUND' })
    const ada = await app.as('ada-5')
    await ada.records.events.create({ data: event('there'), recordId: 'of-ada-5' })
    await stream.until(({ last }) => last?.success === true)
    await ada.records.events.remove({ recordId: 'of-ada-5' })
    await stream.until(({ answers }) => answers.length === 3)
    expect(stream.last).toEqual(stream.answers[0])
    const { rows } = await app.database.query({
      sql: `select action, outcome from deputy.audit_log where actor = 'ada-5' and action = 'getAsCaller'`,
      params: [],
    })
    // The call that opened it has failed; what was pushed is no call.
    expect(rows).toEqual([['getAsCaller', 'NOT_FOUND']])
    stream.close()
  })

  it('never holds a byte of what its caller may not read', async () => {
    const recordId = await create('ben-6', 'public', { visibility: 'public' })
    const stream = await show('ada-6', 'getAsCaller', { eventId: recordId })
    await stream.until(({ last }) => last?.success === true)
    const ben = await app.as('ben-6')
    await ben.records.events.update({ recordId, patch: { title: 'CANARY', visibility: 'private' } })
    await stream.until(({ last }) => last?.code === 'NOT_FOUND')
    await ben.records.events.update({ recordId, patch: { summary: 'CANARY-2' } })
    await ben.records.events.update({
      recordId,
      patch: { title: 'seen', summary: null, visibility: 'public' },
    })
    await stream.until(({ last }) => last?.success === true)
    expect(stream.text).not.toContain('CANARY')
    stream.close()
  })

  it('goes on where it was: one who has the answer already is sent nothing', async () => {
    await create('ada-7', 'kept')
    const before = await show('ada-7', 'listMine')
    await before.until(({ answers }) => answers.length === 1)
    before.close()
    const again = await show('ada-7', 'listMine', {}, { lastId: before.lastId })
    await again.until(({ text }) => text !== '')
    await create('ada-7', 'new')
    await again.until(({ answers }) => answers.length > 0)
    expect(again.answers.map(titles)).toEqual([['kept', 'new']])
    again.close()
  })

  it('ends when the caller is demoted, before anything else is sent: its gate is asked each time', async () => {
    await setRole('eve-8', 'admin')
    const stream = await show('eve-8', 'forAdmins')
    await stream.until(({ answers }) => answers.length === 1)
    await setRole('eve-8', 'member')
    await create('ben-8', 'CANARY-after')
    await stream.until(({ isClosed }) => isClosed)
    expect(['role', 'refused']).toContain(stream.ended?.reason)
    expect(stream.text).not.toContain('CANARY-after')
    expect((await show('eve-8', 'forAdmins')).status).toBe(403)
  })

  it('is not run for a caller whom its gate does not let in any more', async () => {
    await setRole('eve-17', 'admin')
    const stream = await show('eve-17', 'forAdmins')
    await create('ben-17', 'before')
    await stream.until(({ text }) => text.includes('"before"'))
    const before = runsOf('forAdmins')
    // By another program: no call tells of it, and the next run is asked for before anyone looks.
    await app.database.write({
      sql: `update users set role = 'member' where record_id = 'eve-17'`,
      params: [],
    })
    await create('ben-17', 'CANARY-17')
    await stream.until(({ isClosed }) => isClosed)
    expect(runsOf('forAdmins')).toBe(before)
    expect(stream.text).not.toContain('CANARY-17')
  })

  it('ends when its caller is blocked, and when the token expires', async () => {
    const { stream: expiring } = await readExpiring(async (exp) =>
      show('ada-9', 'whoCalls', {}, { token: await app.token('ada-9', { exp }) }),
    )
    const stream = await show('mallory-9', 'listMine')
    await stream.until(({ answers }) => answers.length === 1)
    await (await app.as('owner')).users.setBlocked({ userId: 'mallory-9', blocked: true })
    await stream.until(({ isClosed }) => isClosed)
    expect(stream.ended?.reason).toBe('blocked')
    await expiring.until(({ isClosed }) => isClosed)
    expect(expiring.ended?.reason).toBe('expired')
    expect(expiring.last).toEqual({ success: true, data: { userId: 'ada-9', org: null, hasToken: true } })
  })

  it('is opened by a call: gated, limited, and audited where the action is', async () => {
    expect((await show('ada-10', 'forOwner')).status).toBe(403)
    expect((await show('ada-10', 'listMine', { nothing: 1 })).status).toBe(400)
    expect((await readStream(`${url}/api/actions/listMine`, { input: {} })).status).toBe(401)
    const owners = await show('owner', 'forOwner')
    await owners.until(({ answers }) => answers.length === 1)
    await create('ada-10', 'counted')
    await owners.until(({ answers }) => answers.length === 2)
    const { rows } = await app.database.query({
      sql: `select outcome from deputy.audit_log where action = 'forOwner' order by at, id`,
      params: [],
    })
    expect(rows).toEqual([['FORBIDDEN'], ['OK']])
    owners.close()
    const ada = await app.as('ada-10')
    const limited = await show('ada-10', 'limited')
    await limited.until(({ answers }) => answers.length === 1)
    await create('ada-10', 'pushed')
    await limited.until(({ answers }) => answers.length === 2)
    // Pushes take nothing of it, and a call of the action has the same limit.
    expect(await ada.actions.limited({})).toMatchObject({ success: true })
    expect((await show('ada-10', 'limited')).status).toBe(429)
    limited.close()
  })

  it('is of what only reads: an action that may write is not run for it', async () => {
    const refused = await show('ada-11', 'writes')
    await refused.until(({ isClosed }) => isClosed)
    expect(refused.status).toBe(400)
    expect(JSON.parse(refused.text).error).toMatch(
      /^"writes" may write, .* shown live\. Call it with Accept: application\/json\.$/,
    )
    const hidden = await show('ada-11', 'hidden')
    await hidden.until(({ isClosed }) => isClosed)
    expect(JSON.parse(hidden.text).error).toMatch(/^"hidden" is not shown live: its meta says so\./)
    expect(runsOf('writes')).toBe(0)
    const live = () =>
      action
        .input(z.strictObject({}))
        .meta({ live: false })
        .mutation(async () => ok({}))
    expect(live).toThrow('meta.live is for a .query that clients call: nothing else is shown live')
    // Whoever takes JSON as well is answered with it.
    const called = await fetch(`${url}/api/actions/writes`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await app.token('ada-11')}`, accept: 'text/event-stream, */*' },
    })
    expect(await called.json()).toEqual({ success: true, data: {} })
  })

  it('is run once for the same caller, token and input, and for no one else', async () => {
    const token = await app.token('ada-12', { org: 'one' })
    const streams = await Promise.all([
      show('ada-12', 'whoCalls', {}, { token }),
      show('ada-12', 'whoCalls', {}, { token }),
      show('ada-12', 'whoCalls', {}, { token: await app.token('ada-12', { org: 'two' }) }),
      show('ben-12', 'whoCalls'),
    ])
    for (const stream of streams) await stream.until(({ answers }) => answers.length === 1)
    expect(app.live.counts.queries).toBe(3)
    expect(streams.map(({ last }) => dataOf(last)?.org)).toEqual(['one', 'one', 'two', null])
    const before = runsOf('whoCalls')
    app.engine.changes.tell('all')
    await vi.waitFor(() => expect(runsOf('whoCalls')).toBe(before + 3))
    for (const stream of streams) stream.close()
    await vi.waitFor(() => expect(app.live.counts).toEqual({ streams: 0, queries: 0 }))
  })

  it('is not run again while it runs, and keeps no other waiting', async () => {
    let release = () => {}
    const stream = await show('ada-13', 'held')
    await stream.until(({ answers }) => answers.length === 1)
    hooks.hold = new Promise((resolve) => {
      release = resolve
    })
    const before = runsOf('held')
    await create('ada-13', 'one')
    await vi.waitFor(() => expect(runsOf('held')).toBe(before + 1))
    const others = await show('ben-13', 'listMine')
    for (let at = 0; at < 5; at++) {
      await create('ada-13', `more ${at}`)
      await create('ben-13', `of ben ${at}`)
      await others.until(
        ({ last }) => (titles(last) as string[] | undefined)?.includes(`of ben ${at}`) === true,
      )
    }
    expect(runsOf('held')).toBe(before + 1)
    await vi.waitFor(() =>
      expect(app.engine.liveCalls.oldest(10).map(({ action }) => action)).toEqual(['held']),
    )
    release()
    await stream.until(({ last }) => dataOf(last)?.count === 6)
    // It waits for as long as the one before took.
    await vi.waitFor(() => expect(runsOf('held')).toBe(before + 2))
    stream.close()
    others.close()
  })

  it('sends nothing of what passes, and comes to the answer after it', async () => {
    const stream = await show('ada-14', 'passing')
    await stream.until(({ answers }) => answers.length === 1)
    hooks.failure = fail('SERVICE_UNAVAILABLE', 'Not now.')
    const before = runsOf('passing')
    await create('ada-14', 'one')
    await vi.waitFor(() => expect(runsOf('passing')).toBeGreaterThan(before))
    hooks.failure = undefined
    await stream.until(({ last }) => dataOf(last)?.count === 1)
    expect(stream.answers).toHaveLength(2)
    stream.close()
  })

  it('ends when the action throws, is told of, and is refused as a call while it does', async () => {
    const stream = await show('ada-15', 'broken')
    await stream.until(({ answers }) => answers.length === 1)
    hooks.error = new Error('CANARY of the app')
    const logged = app.logged.length
    await create('ada-15', 'one')
    await stream.until(({ isClosed }) => isClosed)
    expect(stream.ended?.reason).toBe('failed')
    expect(stream.text).not.toContain('CANARY')
    const lines = app.logged.slice(logged).filter(({ level }) => Number(level) >= 50)
    expect(lines.map(({ msg, action }) => [msg, action])).toEqual([
      ['An action failed with an unexpected error', 'broken'],
    ])
    expect((await show('ada-15', 'broken')).status).toBe(500)
    hooks.error = undefined
    const again = await show('ada-15', 'broken', {}, { lastId: stream.lastId })
    await again.until(({ answers }) => answers.length === 1)
    expect(dataOf(again.last)?.count).toBe(1)
    again.close()
  })

  it('is given in process, too', async () => {
    const ada = await app.as('ada-16')
    const seen: unknown[] = []
    for await (const answer of await ada.actions.listMine.live({ prefix: 'x' })) {
      seen.push(answer)
      if (seen.length === 2) break
      await create('ada-16', 'other')
      await create('ada-16', 'x1')
    }
    expect(seen).toEqual([
      { success: true, data: { titles: [] } },
      { success: true, data: { titles: ['x1'] } },
    ])
    await vi.waitFor(() => expect(app.live.counts.streams).toBe(0))
  })
})
