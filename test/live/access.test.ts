// limits.md: live-check

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { readExpiring, readStream, titlesOf } from './read-stream.ts'

const event = (title: string, more = {}) => ({
  title,
  startsAt: new Date('2030-01-01'),
  capacity: 10,
  ...more,
})

describe('a stream and who may read', () => {
  let app: TestApp
  let url: string
  beforeAll(async () => {
    app = await createTestApp({ livePace: { roundEveryMs: 20, checkEveryMs: 200 } })
    url = await app.listen()
  })
  afterAll(() => app[Symbol.asyncDispose]())

  async function page(userId: string | undefined, path = '/events') {
    const token = userId === undefined ? undefined : await app.token(userId)
    return readStream(`${url}/api/records${path}`, { token })
  }
  async function create(userId: string, title: string, more = {}) {
    const made = await (await app.as(userId)).records.events.create({ data: event(title, more) })
    if (!made.success) throw new Error(made.error)
    return made.data.recordId
  }
  async function setRole(userId: string, role: string) {
    const owner = await app.as('owner')
    await (await app.as(userId)).users.register()
    const set = await owner.users.setRole({ userId, role })
    if (!set.success) throw new Error(set.error)
  }

  it('never holds a byte of what its caller may not read, whatever others write', async () => {
    const [ada, stranger] = [await page('ada-1'), await page(undefined)]
    const secret = await create('ben-1', 'CANARY-private')
    await create('ben-1', 'seen by all', { visibility: 'public' })
    await create('ada-1', 'CANARY-of-ada')
    await ada.until(({ last }) => last?.count === 2)
    await stranger.until(({ last }) => last?.count === 1)
    const ben = await app.as('ben-1')
    await ben.records.events.update({ recordId: secret, patch: { summary: 'CANARY-summary' } })
    await create('ben-1', 'the last one', { visibility: 'public' })
    await ada.until(({ last }) => last?.count === 3)
    await stranger.until(({ last }) => last?.count === 2)
    expect(ada.text).not.toMatch(/CANARY-(?:private|summary)/)
    expect(ada.text).not.toContain(secret)
    expect(stranger.text).not.toContain('CANARY')
    ada.close()
    stranger.close()
  })

  it('loses a record that leaves the caller’s sight, and its content with it', async () => {
    const recordId = await create('ben-2', 'public for now', { visibility: 'public' })
    const list = await page('ada-2')
    const one = await page('ada-2', `/events/${recordId}`)
    await list.until(({ last }) => titlesOf(last).includes('public for now'))
    await one.until(({ last }) => last?.record?.recordId === recordId)
    const ben = await app.as('ben-2')
    await ben.records.events.update({ recordId, patch: { visibility: 'private', title: 'CANARY-hidden' } })
    await list.until(({ last }) => !titlesOf(last).includes('public for now'))
    await one.until(({ last }) => last?.record === null)
    expect(list.text + one.text).not.toContain('CANARY-hidden')
    list.close()
    one.close()
  })

  it('holds the fields that the role may read, and no others', async () => {
    const ben = await app.as('ben-3', { email: 'CANARY@example.com', email_verified: true })
    expect(await ben.actions.registerProfile({ name: 'Ben' })).toMatchObject({ success: true })
    await setRole('admin-3', 'admin')
    const [member, admin] = [await page('ada-3', '/users'), await page('admin-3', '/users')]
    await admin.until(({ text }) => text.includes('CANARY@example.com'))
    await member.until(({ answers }) => answers.length > 0)
    expect(member.text).toContain('Ben')
    expect(member.text).not.toContain('CANARY')
    member.close()
    admin.close()
  })

  it('ends, and says why, when the caller gets another role: then they ask again', async () => {
    await setRole('eve-4', 'admin')
    await create('ben-4', 'CANARY-before')
    const stream = await page('eve-4')
    await stream.until(({ text }) => text.includes('CANARY-before'))
    await setRole('eve-4', 'member')
    await create('ben-4', 'CANARY-after')
    await stream.until(({ isClosed }) => isClosed)
    expect(stream.ended?.reason).toBe('role')
    expect(stream.text).not.toContain('CANARY-after')
    const again = await page('eve-4')
    await again.until(({ answers }) => answers.length === 1)
    expect(again.text).not.toContain('CANARY')
    again.close()
  })

  it('ends when the row that said the role is gone, although nothing is sent', async () => {
    await setRole('eve-5', 'admin')
    const stream = await page('eve-5', '/analytics')
    await stream.until(({ answers }) => answers.length === 1)
    // By another program: no call tells of it.
    await app.database.write({ sql: `delete from users where record_id = 'eve-5'`, params: [] })
    await stream.until(({ isClosed }) => isClosed)
    expect(stream.ended?.reason).toBe('role')
  })

  it('ends when its caller is blocked', async () => {
    const stream = await page('mallory-6')
    await stream.until(({ answers }) => answers.length === 1)
    await (await app.as('owner')).users.setBlocked({ userId: 'mallory-6', blocked: true })
    await create('ben-6', 'CANARY-later', { visibility: 'public' })
    await stream.until(({ isClosed }) => isClosed)
    expect(stream.ended?.reason).toBe('blocked')
    expect(stream.text).not.toContain('CANARY-later')
  })

  it('lives no longer than the token, and goes on with a fresh one without sending again', async () => {
    await create('ada-7', 'kept')
    const { stream } = await readExpiring(async (exp) =>
      readStream(`${url}/api/records/events`, { token: await app.token('ada-7', { exp }) }),
    )
    await stream.until(({ isClosed }) => isClosed)
    expect(stream.ended?.reason).toBe('expired')
    const missed = await create('ada-7', 'written meanwhile')
    const again = await readStream(`${url}/api/records/events`, {
      token: await app.token('ada-7'),
      lastId: stream.lastId,
    })
    await again.until(({ answers }) => answers.length === 1)
    expect(again.last?.records?.map(({ recordId }) => recordId)).toContain(missed)
    again.close()
  })

  it('is opened by a call, counted and logged as one, and leaves no audit row', async () => {
    const before = app.logged.length
    const stream = await page('ada-8')
    await stream.until(({ answers }) => answers.length === 1)
    await create('ada-8', 'pushed')
    await stream.until(({ answers }) => answers.length === 2)
    const { rows } = await app.database.query({
      sql: `select action from deputy.audit_log where actor = 'ada-8'`,
      params: [],
    })
    expect(rows).toEqual([['records.events.create']])
    expect(app.logged.slice(before).filter(({ action }) => action === 'records.events.live')).toEqual([])
    stream.close()
  })
})
