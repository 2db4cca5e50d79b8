import { expect, it } from 'vitest'
import { createClient } from '../../client/core/index.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { dataDirectory } from '../support/data-directory.ts'
import { callUntilEnded } from './call-until-ended.ts'
import { mintToken, startServer } from './process.ts'

it('an exception that nobody catches is logged, ends the server with 1, and loses nothing acknowledged', async () => {
  await using directory = await dataDirectory()
  const env = { DATA_DIR: directory.path, NODE_OPTIONS: '--import tsx --import ./test/lifecycle/explode.ts' }
  const token = await mintToken('ada', directory.path)
  let acknowledged: readonly string[]
  {
    await using server = await startServer(env)
    acknowledged = await callUntilEnded(server, { token, signal: 'SIGUSR2', after: 5 })
    expect(await server.ended).toEqual({ code: 1, signal: null })
    expect(server.output.stdout).toContain('An exception was not caught; the server stops')
    expect(server.output.stdout).toContain('nobody catches this')
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(5)

  await using server = await startServer({ DATA_DIR: directory.path })
  const client = createClient<FixtureRouter>({ url: server.url, token })
  for (const eventId of acknowledged) {
    expect(await client.actions.listAttendees.query({ eventId })).toMatchObject({ success: true })
  }
}, 180_000)
