import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { post } from '../http/send.ts'
import { json, startUpstream } from '../integrations/upstream.ts'
import { gate } from '../invocation/probe.ts'
import { openShop, type Shop } from '../invocation/shop.ts'
import { mintToken, startServer } from '../lifecycle/process.ts'
import { openTestDatabase } from '../support/database.ts'
import { execute } from '../support/execute.ts'
import { temporaryDirectory } from '../support/guarded.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop({ max: 10 })
})
afterAll(() => shop[Symbol.asyncDispose]())

it('200 calls with one key at once have one effect, and one answer', async () => {
  const [name, key] = [randomUUID(), randomUUID()]
  const caller = await shop.as('ada', key)
  const answers = new Set<string>()
  let waited = 0
  // The one that runs goes on when another was told to wait.
  const toldToWait = gate()
  shop.script.onFailpoint = (point) => (point === 'before-commit' ? toldToWait.opened : undefined)
  const call = async () => {
    for (;;) {
      try {
        const answer = await caller.actions.place({ name })
        if (answer.success) return answers.add(answer.data.recordId)
        throw new Error(answer.error)
      } catch (error) {
        // What is still running, or was refused on a slow machine, is asked for again, as its answer says.
        if (!(error instanceof Error) || !/still running|try again shortly/.test(error.message)) throw error
        if (error.message.includes('still running')) {
          waited += 1
          toldToWait.open()
        }
        await sleep(20)
      }
    }
  }
  await Promise.all(Array.from({ length: 200 }, call))
  shop.script.onFailpoint = () => {}
  expect(answers.size).toBe(1)
  expect(await shop.count(name)).toBe(1)
  expect(waited).toBeGreaterThan(0)
  expect(
    await shop.rows(
      'select count(*)::int from deputy.audit_log where action = $1 and outcome = $2',
      'place',
      'OK',
    ),
  ).toEqual([[1]])
})

it('a holder that comes back after its lease has done nothing, and answers what the other one did', async () => {
  const [name, key] = [randomUUID(), randomUUID()]
  const caller = await shop.as('ada', key)
  let other: unknown
  shop.script.onFailpoint = async (point) => {
    if (point !== 'before-commit') return
    shop.script.onFailpoint = () => {}
    await shop.endLeases()
    other = await caller.actions.scatter({ name })
  }
  const late = await caller.actions.scatter({ name })
  expect(late).toMatchObject({ success: true })
  expect(late).toEqual(other)
  expect(await shop.count(name)).toBe(1)
})

it('a holder that fails for what the other one has done answers as that one did', async () => {
  const [name, key] = [randomUUID(), randomUUID()]
  const caller = await shop.as('ada', key)
  let other: unknown
  shop.script.onFailpoint = async (point) => {
    if (point !== 'after-claim') return
    shop.script.onFailpoint = () => {}
    await shop.endLeases()
    other = await caller.actions.place({ name })
  }
  // It would create the same record, which is there by then.
  const late = await caller.actions.place({ name })
  expect(late).toMatchObject({ success: true })
  expect(late).toEqual(other)
  expect(await shop.count(name)).toBe(1)
})

it('a call that is killed after its provider answered is finished by its repetition, with one call and one effect', async () => {
  await using directory = await temporaryDirectory('server')
  await using opened = await openTestDatabase()
  await using upstream = await startUpstream()
  const env = {
    DATA_DIR: directory.path,
    DATABASE_URL: opened.url ?? '',
    API_WORKER_URL: upstream.url,
    ALLOW_PRIVATE_UPSTREAMS: new URL(upstream.url).host,
    APP_OWNER_JWT: 'a.b.c',
  }
  const token = await mintToken('ada', directory.path)
  const send = (url: string, path: string, key: string, body: unknown) =>
    post(`${url}/api/actions/${path}`, {
      token,
      headers: { 'idempotency-key': key },
      body: JSON.stringify(body),
    })
  let eventId = ''
  {
    await using server = await startServer(env)
    const event = await send(server.url, 'createEvent', 'create', {
      title: 'Launch',
      startsAt: '2030-01-01T18:00:00Z',
      capacity: 20,
    })
    eventId = (event.json.data as { recordId: string }).recordId
    // The provider has answered, the journal has it, and COMMIT waits for a lock that nobody gives back.
    upstream.on('openai/chat-completion', (_received, response) => {
      json(response, 200, { success: true, data: { choices: [{ message: { content: 'Come!' } }] } })
    })
    const holder = postgres(opened.url ?? '', { max: 1 })
    await holder.unsafe(`begin; select 1 from events where record_id = '${eventId}' for update`)
    const broken = send(server.url, 'summarizeEvent', 'sum', { eventId }).catch(() => undefined)
    await expect
      .poll(
        async () =>
          (
            await opened.database.query({
              sql: "select state from deputy.journal_steps where state = 'answered'",
              params: [],
            })
          ).rows.length,
      )
      .toBe(1)
    server.child.kill('SIGKILL')
    await broken
    await holder.end()
  }
  await execute(
    opened.database,
    opened.url,
    "update deputy.idempotency_claims set lease_until = now() - interval '1 second'",
  )
  await using server = await startServer(env)
  const again = await send(server.url, 'summarizeEvent', 'sum', { eventId })
  expect(again.json).toMatchObject({ success: true })
  expect(upstream.calls('openai/chat-completion')).toHaveLength(1)
  const replay = await send(server.url, 'summarizeEvent', 'sum', { eventId })
  expect(replay.text).toBe(again.text)
  expect(replay.headers.get('idempotency-replayed')).toBe('true')
})
