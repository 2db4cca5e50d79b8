import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { ServerEnv } from '../../server/env/environment.ts'
import { checkAgents } from '../../server/lifecycle/doctor/agents.ts'
import { checkedActions } from '../../server/routers/registry.ts'
import { fixture } from '../fixture/app.ts'
import { action } from '../fixture/deputy.ts'

const DEVELOPMENT: Pick<ServerEnv, 'auth' | 'mcpUrl'> = {
  auth: { kind: 'development', issuer: 'i', audience: 'a' },
  mcpUrl: undefined,
}
const CONFIGURED: Pick<ServerEnv, 'auth' | 'mcpUrl'> = {
  auth: {
    kind: 'configured',
    key: { kind: 'secret', secret: 's'.repeat(32) },
    issuer: 'https://issuer.test',
    audience: 'app',
    authorizedParties: undefined,
  },
  mcpUrl: undefined,
}
const { users } = fixture.collections

function partsWith(tools: number, description = 'Does it.', collections: object = { users }) {
  const made = Array.from({ length: tools }, (_, at) => [
    `tool${at}`,
    action
      .input(z.strictObject({}))
      .meta({ agent: { description } })
      .query(async () => ({ success: true, data: {} })),
  ])
  return { collections, actions: checkedActions(Object.fromEntries(made)) }
}

describe('what doctor says of agents', () => {
  it('is nothing where they are offered nothing', () => {
    expect(checkAgents(CONFIGURED, partsWith(0))).toEqual([])
  })

  it('is how much they are offered, where that fits', () => {
    const [found, ...more] = checkAgents(DEVELOPMENT, partsWith(40, 'x', fixture.collections))
    expect(more).toEqual([])
    expect(found).toMatchObject({ level: 'ok', subject: 'agents' })
    expect(found?.text).toMatch(/^40 tools, \d+ bytes, and 1 collection$/)
  })

  it.each([
    ['more than 40 tools', 41, 'x'],
    ['more than 20 000 bytes', 30, 'x'.repeat(700)],
  ])('is a warning for %s', (_what, tools, description) => {
    const [found] = checkAgents(DEVELOPMENT, partsWith(tools, description))
    expect(found?.level).toBe('warning')
    expect(found?.text).toContain('at most 40 tools in 20000 bytes')
  })

  it('is a warning where tokens for agents are good for everything', () => {
    const warned = checkAgents(CONFIGURED, partsWith(1))
    expect(warned.map(({ level }) => level)).toEqual(['ok', 'warning'])
    expect(warned[1]?.text).toContain('MCP_URL is not set')
    expect(checkAgents({ ...CONFIGURED, mcpUrl: 'https://a.example/mcp' }, partsWith(1))).toHaveLength(1)
  })
})
