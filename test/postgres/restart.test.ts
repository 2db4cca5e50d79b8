import { expect, test } from 'vitest'
import { createClient } from '../../client/core/index.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { callUntilEnded } from '../lifecycle/call-until-ended.ts'
import { mintToken, startServer } from '../lifecycle/process.ts'
import { openTestDatabase } from '../support/database.ts'
import { temporaryDirectory } from '../support/guarded.ts'

test('what was acknowledged before kill -9 of the server is there after a restart', async () => {
  await using directory = await temporaryDirectory('server')
  await using opened = await openTestDatabase()
  const env = { DATA_DIR: directory.path, DATABASE_URL: opened.url ?? '' }
  const token = await mintToken('ada', directory.path)
  let acknowledged: readonly string[]
  {
    await using server = await startServer(env)
    acknowledged = await callUntilEnded(server, { token, signal: 'SIGKILL', after: 10 })
    expect(await server.ended).toEqual({ code: null, signal: 'SIGKILL' })
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(10)

  await using server = await startServer(env)
  const client = createClient<FixtureRouter>({ url: server.url, token })
  for (const eventId of acknowledged) {
    expect(await client.actions.listAttendees.query({ eventId })).toMatchObject({ success: true })
  }
})
