// limits.md: streams, streams-user, live-pace, live-look

import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { readStream, titlesOf } from './read-stream.ts'

const event = (title: string, more = {}) => ({
  title,
  startsAt: new Date('2030-01-01'),
  capacity: 10,
  ...more,
})

describe('streams and their readers', () => {
  let app: TestApp
  let url: string
  beforeAll(async () => {
    app = await createTestApp({
      livePace: { roundEveryMs: 100, lookEveryMs: 300, pingEveryMs: 50 },
      liveLimits: { perUser: 3, perAddress: 2, perServer: 6 },
    })
    url = await app.listen()
  })
  afterAll(() => app[Symbol.asyncDispose]())

  async function page(userId?: string, query = '') {
    const token = userId === undefined ? undefined : await app.token(userId)
    return readStream(`${url}/api/records/events${query}`, { token })
  }
  async function create(userId: string, title: string, more = {}) {
    const made = await (await app.as(userId)).records.events.create({ data: event(title, more) })
    if (!made.success) throw new Error(made.error)
    return made.data.recordId
  }
  const allGone = () => vi.waitFor(() => expect(app.live.counts.streams).toBe(0))

  it('are pushed at a pace, and come to the newest state', async () => {
    const recordId = await create('ada-1', 'hot 0')
    const stream = await page('ada-1')
    await stream.until(({ answers }) => answers.length === 1)
    const ada = await app.as('ada-1')
    const began = performance.now()
    for (let at = 1; at <= 40; at++)
      await ada.records.events.update({ recordId, patch: { title: `hot ${at}` } })
    await stream.until(({ last }) => titlesOf(last)[0] === 'hot 40')
    // One at the beginning, one at once, and then one in each 100 ms.
    expect(stream.answers.length).toBeLessThanOrEqual(3 + (performance.now() - began) / 100)
    stream.close()
    await allGone()
  })

  it('that are slow get the newest page, and never a backlog', async () => {
    const summary = 'x'.repeat(10_000)
    for (let at = 0; at < 100; at++) await create('ada-2', `large ${at}`, { summary })
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.pause()
    socket.write(
      `GET /api/records/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${await app.token('ada-2')}\r\n\r\n`,
    )
    await vi.waitFor(() => expect(app.live.counts.streams).toBe(1))
    const witness = await page('ada-2', '?limit=1')
    const changes = 40
    for (let at = 0; at < changes; at++) {
      await create('ada-2', `newest ${at}`, { summary })
      await witness.until(({ last }) => titlesOf(last)[0] === `newest ${at}`)
    }
    let text = ''
    socket.setEncoding('utf8').on('data', (piece) => {
      text += piece
    })
    socket.resume()
    await vi.waitFor(() => expect(text).toContain(`"newest ${changes - 1}"`))
    const pages = text.split('\ndata: {"records"').length - 1
    expect(pages).toBeGreaterThanOrEqual(2)
    expect(pages).toBeLessThan(changes / 2)
    socket.destroy()
    witness.close()
    await allGone()
  })

  it('show within a look what no call has told', async () => {
    const stream = await page('ada-3')
    await stream.until(({ answers }) => answers.length === 1)
    await app.database.write({
      sql: `insert into events (record_id, created_by, created_at, updated_at, title, starts_at, capacity)
        values ('by-hand', 'ada-3', now(), now(), 'by hand', now(), 5)`,
      params: [],
    })
    await stream.until(({ last }) => titlesOf(last).includes('by hand'))
    stream.close()
    await allGone()
  })

  it('get signs of life, which are no events', async () => {
    const stream = await page('ada-4')
    await stream.until(({ text }) => text.split('\n:\n').length > 3)
    expect(stream.events).toHaveLength(1)
    stream.close()
    await allGone()
  })

  it('are so many for a user, for an address without a token, and for a server', async () => {
    const opened = await Promise.all([page('ada-5'), page('ada-5'), page('ada-5')])
    expect(opened.map(({ status }) => status)).toEqual([200, 200, 200])
    const one = await page('ada-5')
    expect(one.status).toBe(429)
    expect(one.response.headers.get('retry-after')).toBe('5')
    opened.push(await page(), await page())
    expect((await page()).status).toBe(429)
    opened.push(await page('ben-5'))
    const beyond = await page('cy-5')
    expect(beyond.status).toBe(503)
    expect(beyond.response.headers.get('retry-after')).toBe('5')
    for (const stream of opened) stream.close()
    await allGone()
    const after = await page('ada-5')
    expect(after.status).toBe(200)
    after.close()
    await allGone()
  })

  it('share the run of a query where they are answered the same', async () => {
    const streams = await Promise.all([
      page('ada-6', '?limit=7'),
      page('ada-6', '?limit=7'),
      page(undefined, '?limit=7'),
      page(undefined, '?limit=7'),
      page('ben-6', '?limit=7'),
    ])
    // Each user has their own condition in the rule; callers without a token have one together.
    await vi.waitFor(() => expect(app.live.counts).toEqual({ streams: 5, queries: 3 }))
    for (const stream of streams) stream.close()
    await allGone()
  })
})

describe('a server that stops', () => {
  it('ends its streams, does not wait for them, and opens no more', async () => {
    await using app = await createTestApp()
    const url = await app.listen()
    const token = await app.token('ada')
    const stream = await readStream(`${url}/api/records/events`, { token })
    await stream.until(({ answers }) => answers.length === 1)
    app.stop()
    await stream.until(({ isClosed }) => isClosed)
    expect(stream.ended?.reason).toBe('stopping')
    expect((await readStream(`${url}/api/records/events`, { token })).status).toBe(503)
    expect(app.live.counts).toEqual({ streams: 0, queries: 0 })
  })
})
