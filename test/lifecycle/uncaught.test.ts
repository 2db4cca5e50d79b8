import { expect, it } from 'vitest'
import { createClient } from '../../client/core/index.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { dataDirectory } from '../support/data-directory.ts'
import { mintToken, startServer } from './process.ts'

const EVENT = { title: 'Launch', startsAt: new Date('2030-01-01T18:00:00Z'), capacity: 20 }

it('an exception that nobody catches is logged, ends the server with 1, and loses nothing acknowledged', async () => {
  await using directory = await dataDirectory()
  const env = { DATA_DIR: directory.path, NODE_OPTIONS: '--import tsx --import ./test/lifecycle/explode.ts' }
  const token = await mintToken('ada', directory.path)
  const acknowledged: string[] = []
  {
    await using server = await startServer(env)
    const client = createClient<FixtureRouter>({ url: server.url, token, retries: false })
    // A slow machine refuses some calls: each caller goes on until the server is gone.
    const call = async () => {
      while (server.child.exitCode === null) {
        const { success, data } = await client.actions.createEvent.mutate(EVENT)
        if (success) acknowledged.push(data.recordId)
        if (acknowledged.length === 5) server.child.kill('SIGUSR2')
      }
    }
    await Promise.allSettled(Array.from({ length: 10 }, call))
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
