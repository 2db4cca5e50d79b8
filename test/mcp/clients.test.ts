import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AgentApp, createAgentApp } from './agent-app.ts'

let app: AgentApp
let url: string
beforeAll(async () => {
  app = await createAgentApp()
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

/** A client of the official library, in one of the protocol's generations. */
async function connect(userId: string, generation: '2025' | '2026') {
  const client = new Client(
    { name: 'test', version: '1' },
    generation === '2026' ? { versionNegotiation: { mode: { pin: '2026-07-28' } } } : {},
  )
  const headers = { authorization: `Bearer ${await app.token(userId)}` }
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }))
  return client
}

describe.each(['2025', '2026'] as const)('the library’s own client of the protocol of %s', (generation) => {
  it('lists tools, is shown, confirms, and reads what it has done', async () => {
    const client = await connect(`user-${generation}`, generation)
    try {
      const { tools } = await client.listTools()
      expect(tools.map(({ name }) => name)).toContain('announceEvent')
      const title = `By ${generation}`
      const shown = await client.callTool({ name: 'announceEvent', arguments: { title } })
      const { confirmation } = shown.structuredContent as { confirmation: string }
      const done = await client.callTool({ name: 'announceEvent', arguments: { title, confirmation } })
      const { recordId } = done.structuredContent as { recordId: string }

      const { resources } = await client.listResources()
      expect(resources.map(({ uri }) => uri)).toEqual(['deputy://records/events'])
      const { resourceTemplates } = await client.listResourceTemplates()
      expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
        'deputy://records/events/{recordId}',
        'deputy://records/events{?where,orderBy,orderDir,limit,cursor}',
      ])
      const where = encodeURIComponent(JSON.stringify({ title }))
      for (const uri of [`deputy://records/events/${recordId}`, `deputy://records/events?where=${where}`]) {
        const { contents } = await client.readResource({ uri })
        expect(JSON.stringify(contents)).toContain(recordId)
      }
    } finally {
      await client.close()
    }
  })

  it('finds that answers are what their schemas say', async () => {
    const client = await connect(`user-${generation}`, generation)
    try {
      // From now on it holds each answer against the schema of its tool.
      await client.listTools()
      const call = async (name: string, args: Record<string, unknown>) =>
        (await client.callTool({ name, arguments: args })).structuredContent
      expect(await call('eventSize', { eventId: 'x' })).toMatchObject({ at: '2030-01-01T18:00:00.000Z' })
      expect(await call('eventNote', { hasNote: true })).toEqual({ result: { note: 'x' } })
      expect(await call('eventNote', { hasNote: false })).toEqual({ result: null })
      const shown = (await call('moveEvents', { days: 1 })) as { confirmation: string }
      expect(await call('moveEvents', { days: 1, confirmation: shown.confirmation })).toEqual({
        result: ['moved'],
      })
    } finally {
      await client.close()
    }
  })

  it('is told of a failure as of one, and of an unknown tool by an error', async () => {
    const client = await connect(`user-${generation}`, generation)
    try {
      const failed = await client.callTool({ name: 'refuseEvent', arguments: {} })
      expect(failed.isError).toBe(true)
      expect(JSON.stringify(failed.content)).toContain('CONFLICT')
      await expect(client.callTool({ name: 'removeEvent', arguments: {} })).rejects.toMatchObject({
        code: -32602,
        message: expect.stringContaining('Unknown tool: removeEvent'),
      })
      await expect(client.readResource({ uri: 'deputy://records/users' })).rejects.toMatchObject({
        message: expect.stringContaining('no such resource'),
      })
    } finally {
      await client.close()
    }
  })
})
