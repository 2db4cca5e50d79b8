// What the owner reads as the app, past every access rule.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Page, RecordEnvelope } from '../../server/core/record.ts'
import { get } from '../http/send.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

let app: TestApp
let url: string
let recordId: string
beforeAll(async () => {
  app = await createTestApp()
  url = await app.listen()
  const ada = await app.as('ada')
  for (const [nth, title] of ['Secret', 'Open', 'Later'].entries()) {
    const startsAt = new Date(Date.UTC(2030 + nth, 0, 1))
    const created = await ada.records.events.create({ data: { title, startsAt, capacity: 5 } })
    if (!created.success) throw new Error(created.error)
    if (nth === 0) recordId = created.data.recordId
  }
})
afterAll(() => app[Symbol.asyncDispose]())

const as = async (user: string, address: string, headers: Record<string, string> = {}) =>
  get(`${url}/api/data${address}`, { token: await app.token(user), headers })

describe('the data as the app reads it', () => {
  it('is the owner’s alone, whatever a collection’s rules say', async () => {
    for (const address of ['?collection=analytics', `/record?collection=events&recordId=${recordId}`]) {
      expect((await get(`${url}/api/data${address}`)).status).toBe(401)
      expect((await as('ada', address)).json).toMatchObject({ code: 'FORBIDDEN' })
      const acting = await as('owner', address, { 'deputy-act-as': 'ada' })
      expect([address, acting.status]).toEqual([address, 403])
    }
    expect((await as('owner', '?collection=analytics')).json).toMatchObject({ data: { records: [] } })
    const read = await as('owner', `/record?collection=events&recordId=${recordId}`)
    expect(read.json).toMatchObject({ data: { record: { recordId, createdBy: 'ada', version: 1 } } })
    // No rule lets anybody but Ada and admins read it.
    expect((await get(`${url}/api/records/events/${recordId}`)).status).toBe(404)
  })

  it('is listed by the conditions, the order and the cursors that tools take', async () => {
    const where = encodeURIComponent(JSON.stringify({ startsAt: { gte: '2031-01-01T00:00:00Z' } }))
    const titles: string[] = []
    let cursor: string | null = ''
    let pages = 0
    while (cursor !== null) {
      const rest = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const { json } = await as('owner', `?collection=events&where=${where}&orderBy=title&limit=1${rest}`)
      const page = json.data as Page<RecordEnvelope>
      titles.push(...page.records.map(({ data }) => String(data.title)))
      cursor = page.nextCursor
      pages += 1
    }
    expect([titles, pages]).toEqual([['Open', 'Later'], 2])
    const owner = await app.as('owner')
    const asc = await owner.data.list({ collection: 'events', orderBy: 'startsAt', orderDir: 'asc' })
    expect(asc.data?.records.map(({ data }) => data.title)).toEqual(['Secret', 'Open', 'Later'])
  })

  it.each([
    ['?collection=nothing', 404, 'There is no collection "nothing".'],
    ['/record?collection=nothing&recordId=1', 404, 'There is no collection "nothing".'],
    ['/record?collection=events&recordId=nothing', 404, '"events" has no record "nothing".'],
    ['?collection=constructor', 404, 'There is no collection "constructor".'],
    ['?collection=audit_log', 404, 'There is no collection "audit_log".'],
    ['', 400, 'collection: must be text'],
    ['?collection=events&where=x', 400, 'where: must be a JSON object of conditions'],
    ['?collection=events&where=%7B%22titel%22%3A1%7D', 400, 'titel'],
    ['?collection=events&orderDir=up', 400, 'orderDir: must be asc or desc'],
    ['?collection=events&limit=1001', 400, 'limit: must be a whole number from 1 to 1000'],
  ])('%s is %i: %s', async (address, status, sentence) => {
    const answer = await as('owner', address)
    expect([answer.status, answer.json.error]).toEqual([status, expect.stringContaining(sentence)])
  })

  it('leaves a row in the audit', async () => {
    await as('owner', '?collection=users')
    const log = await (await app.as('owner')).audit.list({ action: 'data.list', limit: 1 })
    expect(log.data?.entries[0]).toMatchObject({
      actor: 'owner',
      outcome: 'OK',
      input: expect.stringContaining('"collection":"users"'),
    })
  })
})
