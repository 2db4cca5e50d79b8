import { z } from 'zod'
import { createBuilders } from '../../server/builders/action.ts'
import { ok } from '../../server/core/result.ts'
import { defineApp } from '../../server/lifecycle/define-app.ts'
import { createTestApp } from '../../server/testing/create-test-app.ts'
import * as collections from '../fixture/collections.ts'
import type { Figure } from './figures.ts'
import { median } from './median.ts'

const TOOLS = 1_000
const LISTS = 25
const WARM_UP = 5
const ASK = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })

const { action } = createBuilders<{
  collections: typeof collections
  integrations: Record<never, never>
  env: z.ZodObject
}>()

function toolOf(at: number) {
  return action
    .input(
      z.strictObject({ eventId: z.string().min(1).max(255), note: z.string().max(at + 1), at: z.date() }),
    )
    .meta({ agent: { description: `Does the ${at}th thing with an event, for its user.` } })
    .query(async () => ok({ at }))
}

/** What one list of many tools costs the processor, after the first, with its request and its answer. */
export async function measureAgentList(): Promise<Figure> {
  const actions = Object.fromEntries(Array.from({ length: TOOLS }, (_, at) => [`tool${at}`, toolOf(at)]))
  const migrations = new URL('../fixture/migrations', import.meta.url)
  await using app = await createTestApp(defineApp({ collections, actions, migrations }))
  const authorization = `Bearer ${await app.token('ada')}`
  const headers = { authorization, 'content-type': 'application/json' }
  const costs: number[] = []
  for (let time = 0; time < WARM_UP + LISTS; time += 1) {
    const before = process.cpuUsage()
    const answer = await app.fetch(new Request('http://bench/mcp', { method: 'POST', headers, body: ASK }))
    await answer.arrayBuffer()
    const { user, system } = process.cpuUsage(before)
    if (answer.status !== 200) throw new Error(`The list was answered with ${answer.status}`)
    if (time >= WARM_UP) costs.push((user + system) / 1_000)
  }
  return {
    name: 'mcp-list',
    title: `CPU of a list of ${TOOLS} tools`,
    value: median(costs),
    unit: 'ms',
    atMost: 20,
  }
}
