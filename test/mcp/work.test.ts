import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { NamedActions } from '../../server/builders/named-actions.ts'
import { ok } from '../../server/core/result.ts'
import type { QueryResult, Statement } from '../../server/db/database.ts'
import { describeTool } from '../../server/mcp/describe-tool.ts'
import { createAgentTools } from '../../server/mcp/tools.ts'
import { action, roleAction } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'
import { RawClient } from './raw-client.ts'

const TOOLS = 1_000

/** Half of them for everyone, half for one role, each with a gate of its own. */
const actions = Object.fromEntries(
  Array.from({ length: TOOLS }, (_, at) => {
    const start = at % 2 === 0 ? action : roleAction('admin')
    const made = start
      .input(z.strictObject({ [`field${at}`]: z.string().max(100), when: z.date() }))
      .meta({ agent: { description: `Does the ${at}th thing.` } })
      .query(async () => ok({ at }))
    return [`tool${at}`, made]
  }),
)

const open = () => createTestApp<typeof actions>({ actions })
let app: Awaited<ReturnType<typeof open>>
let agent: RawClient
beforeAll(async () => {
  app = await open()
  agent = new RawClient(await app.listen(), await app.token('ada'))
})
afterAll(() => app[Symbol.asyncDispose]())

describe('a list of 1000 tools', () => {
  it('describes each action once, when the app is made', () => {
    let described = 0
    const tools = createAgentTools(new NamedActions(actions).all, (...of) => {
      described += 1
      return describeTool(...of)
    })
    expect(described).toBe(TOOLS)
    expect(tools.size).toBe(TOOLS)
  })

  it('converts no schema, and asks the database for the caller’s role once', async () => {
    expect(await agent.tools()).toHaveLength(TOOLS / 2)
    const statements: Statement[] = []
    const { database } = app
    const query = database.query.bind(database)
    database.query = (statement: Statement): Promise<QueryResult> => {
      statements.push(statement)
      return query(statement)
    }
    const before = accesses(actions)
    try {
      expect(await agent.tools()).toHaveLength(TOOLS / 2)
    } finally {
      database.query = query
    }
    expect(before()).toBe(0)
    // Who is blocked is looked at by the clock, with whatever call comes then.
    const asked = statements.map(({ sql }) => sql).filter((sql) => !sql.includes('blocked_users'))
    expect(asked.filter((sql) => sql.includes('users'))).toHaveLength(1)
    expect(asked.length).toBeLessThanOrEqual(2)
  })
})

/** Counts how often the schemas of inputs are looked at. */
function accesses(of: Readonly<Record<string, unknown>>): () => number {
  let count = 0
  for (const { definition } of new NamedActions(of).all) {
    const { input } = definition
    Object.defineProperty(definition, 'input', {
      configurable: true,
      get: () => {
        count += 1
        return input
      },
    })
  }
  return () => count
}
