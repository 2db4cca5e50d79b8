import { expect, inject, it, vi } from 'vitest'
import { memory } from '../soak/memory.ts'

// Two servers are started, one of them on a database that has yet to be made.
vi.setConfig({ testTimeout: 180_000 })

it('a server with a heap of 256 MB outlives ten seconds of attacks, and answers whoever behaves', async () => {
  const provided = inject('database')
  if (provided.kind !== 'postgres') throw new Error('This test needs PostgreSQL')
  const { problems } = await memory({ seed: 1, seconds: 10, databaseUrl: provided.url })
  expect(problems).toEqual([])
})
