// limits.md: live-page

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { readStream, titlesOf } from './read-stream.ts'

const event = (title: string, more = {}) => ({
  title,
  startsAt: new Date('2030-01-01'),
  capacity: 10,
  ...more,
})

describe('a live query', () => {
  let app: TestApp
  let url: string
  beforeAll(async () => {
    app = await createTestApp({ livePace: { roundEveryMs: 20 } })
    url = await app.listen()
  })
  afterAll(() => app[Symbol.asyncDispose]())

  async function page(userId: string, query = '') {
    return readStream(`${url}/api/records/events${query}`, { token: await app.token(userId) })
  }

  it('shows the page as it is now, and after each change as it is then', async () => {
    const ada = await app.as('ada-1')
    await ada.records.events.create({ data: event('first') })
    const stream = await page('ada-1')
    await stream.until(({ answers }) => answers.length === 1)
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream')
    expect(titlesOf(stream.last)).toEqual(['first'])
    expect(stream.last).toMatchObject({ count: 1, hasMore: false })

    const made = await ada.records.events.create({ data: event('second') })
    await stream.until(({ last }) => last?.count === 2)
    const recordId = made.success ? made.data.recordId : ''
    await ada.records.events.update({ recordId, patch: { title: 'renamed' } })
    await stream.until(({ last }) => titlesOf(last)[0] === 'renamed')
    await ada.records.events.remove({ recordId })
    await stream.until(({ last }) => last?.count === 1)
    expect(stream.answers.map(titlesOf)).toEqual([
      ['first'],
      ['second', 'first'],
      ['renamed', 'first'],
      ['first'],
    ])
    stream.close()
  })

  it('shows what an action wrote', async () => {
    const stream = await page('ada-2')
    const ada = await app.as('ada-2')
    await ada.actions.createEvent({
      title: 'by an action',
      startsAt: new Date('2030-01-01'),
      capacity: 3,
    } as never)
    await stream.until(({ last }) => last?.count === 1)
    expect(titlesOf(stream.last)).toEqual(['by an action'])
    stream.close()
  })

  it('is one of what it asks for: a where, an order and a limit', async () => {
    const ada = await app.as('ada-3')
    for (const title of ['c', 'a', 'b', 'other'])
      await ada.records.events.create({ data: event(title, { summary: title === 'other' ? 'x' : 'live' }) })
    const where = encodeURIComponent(JSON.stringify({ summary: 'live' }))
    const stream = await page('ada-3', `?where=${where}&orderBy=title&orderDir=asc&limit=2`)
    await stream.until(({ answers }) => answers.length === 1)
    expect(titlesOf(stream.last)).toEqual(['a', 'b'])
    expect(stream.last?.hasMore).toBe(true)
    await ada.records.events.create({ data: event('0', { summary: 'live' }) })
    await stream.until(({ last }) => titlesOf(last)[0] === '0')
    expect(titlesOf(stream.last)).toEqual(['0', 'a'])
    stream.close()
  })

  it('sends nothing where the page has not changed', async () => {
    const ada = await app.as('ada-4')
    const ben = await app.as('ben-4')
    const stream = await page('ada-4')
    await stream.until(({ answers }) => answers.length === 1)
    for (let at = 0; at < 5; at++) await ben.records.events.create({ data: event(`of ben ${at}`) })
    await ada.records.events.create({ data: event('of ada') })
    await stream.until(({ answers }) => answers.length >= 2)
    expect(stream.answers.map(titlesOf)).toEqual([[], ['of ada']])
    stream.close()
  })

  it('of one record shows it, its change, and that it is gone', async () => {
    const ada = await app.as('ada-5')
    const made = await ada.records.events.create({ data: event('one') })
    const recordId = made.success ? made.data.recordId : ''
    const stream = await readStream(`${url}/api/records/events/${recordId}`, {
      token: await app.token('ada-5'),
    })
    await stream.until(({ last }) => last?.record?.data.title === 'one')
    await ada.records.events.update({ recordId, patch: { title: 'two' } })
    await stream.until(({ last }) => last?.record?.data.title === 'two')
    await ada.records.events.remove({ recordId })
    await stream.until(({ last }) => last?.record === null)
    expect(stream.answers).toHaveLength(3)
    stream.close()
  })

  it('shows what a foreign key removed along with another record', async () => {
    const ada = await app.as('ada-6')
    const made = await ada.records.events.create({ data: event('with guests') })
    const eventId = made.success ? made.data.recordId : ''
    await ada.actions.inviteAttendee({ eventId, attendeeId: 'ben-6' })
    const stream = await readStream(`${url}/api/records/attendees`, { token: await app.token('ben-6') })
    await stream.until(({ last }) => last?.count === 1)
    await ada.records.events.remove({ recordId: eventId })
    await stream.until(({ last }) => last?.count === 0)
    stream.close()
  })

  it('is refused as a list is: what it asks for, who asks, and what is not there', async () => {
    const refused = async (path: string, userId?: string) => {
      const { status, response, until } = await readStream(
        `${url}/api/records${path}`,
        userId === undefined ? {} : { token: await app.token(userId) },
      )
      await until(({ isClosed }) => isClosed)
      return [status, response.headers.get('content-type')]
    }
    const json = 'application/json'
    expect(await refused('/events?limit=201', 'ada-7')).toEqual([400, json])
    expect(await refused('/events?cursor=abc', 'ada-7')).toEqual([400, json])
    expect(await refused('/events?orderBy=nothing', 'ada-7')).toEqual([400, json])
    expect(await refused('/analytics', 'ada-7')).toEqual([403, json])
    expect(await refused('/nothing', 'ada-7')).toEqual([404, json])
    expect(app.live.counts.streams).toBe(0)
  })

  it('goes on where it was: one who has the page already is sent nothing', async () => {
    const ada = await app.as('ada-8')
    await ada.records.events.create({ data: event('kept') })
    const before = await page('ada-8')
    await before.until(({ answers }) => answers.length === 1)
    before.close()
    const again = await readStream(`${url}/api/records/events`, {
      token: await app.token('ada-8'),
      lastId: before.lastId,
    })
    await again.until(({ text }) => text !== '')
    await ada.records.events.create({ data: event('new') })
    await again.until(({ answers }) => answers.length > 0)
    expect(again.answers.map(titlesOf)).toEqual([['new', 'kept']])
    again.close()
  })

  it('is given in process, too', async () => {
    const ada = await app.as('ada-9')
    const pages = (await ada.records.events.live({ limit: 5 })) as unknown as AsyncIterable<{ count: number }>
    const counts: number[] = []
    for await (const { count } of pages) {
      counts.push(count)
      if (counts.length === 2) break
      await ada.records.events.create({ data: event('one more') })
    }
    expect(counts).toEqual([0, 1])
    expect(app.live.counts.queries).toBe(0)
  })
})
