import { expect, test } from 'vitest'
import { createClient } from '../../client/core/index.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { mintToken, startServer } from '../lifecycle/process.ts'
import { openTestDatabase } from '../support/database.ts'
import { temporaryDirectory } from '../support/guarded.ts'

const EVENT = { title: 'Launch', startsAt: new Date('2030-01-01T18:00:00Z'), capacity: 20 }

test('what was acknowledged before kill -9 of the server is there after a restart', async () => {
  await using directory = await temporaryDirectory('server')
  await using opened = await openTestDatabase()
  const env = { DATA_DIR: directory.path, DATABASE_URL: opened.url ?? '' }
  const token = await mintToken('ada', directory.path)
  const acknowledged: string[] = []
  {
    await using server = await startServer(env)
    const client = createClient<FixtureRouter>({ url: server.url, token, retries: false })
    // A slow machine refuses some calls: each caller goes on until the server is gone.
    const call = async () => {
      while (server.child.signalCode === null) {
        const answer = await client.actions.createEvent.mutate(EVENT).catch(() => undefined)
        if (answer?.success) acknowledged.push(answer.data.recordId)
        // In the middle of the others.
        if (acknowledged.length === 10) server.child.kill('SIGKILL')
      }
    }
    await Promise.allSettled(Array.from({ length: 40 }, call))
    expect(await server.ended).toEqual({ code: null, signal: 'SIGKILL' })
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(10)

  await using server = await startServer(env)
  const client = createClient<FixtureRouter>({ url: server.url, token })
  for (const eventId of acknowledged) {
    expect(await client.actions.listAttendees.query({ eventId })).toMatchObject({ success: true })
  }
})
