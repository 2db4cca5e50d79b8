// Runs the main job once, on a database that is thrown away: `npm run demo`.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type ActionResult, createClient, DeputyError, unwrap } from '../../client/index.ts'
import { loadDevelopmentKey } from '../../server/auth/development-key.ts'
import { composition } from '../../server/composition.ts'
import { readEnv } from '../../server/env.ts'
import { type RunningServer, startServer } from '../../server/start.ts'
import { startUpstream, type Upstream } from './upstream.ts'

const directory = await mkdtemp(join(tmpdir(), 'deputy-demo-'))
const upstream = await startUpstream()
let server: RunningServer | undefined
try {
  server = await start(directory, upstream)
  await demonstrate(server, directory, upstream)
} finally {
  await server?.stop(1_000)
  await upstream.close()
  await rm(directory, { recursive: true })
}

async function start(dataDir: string, { url }: Upstream): Promise<RunningServer> {
  const key = await loadDevelopmentKey(dataDir)
  const env = readEnv({
    DATA_DIR: dataDir,
    PORT: '0',
    LOG_LEVEL: 'silent',
    API_WORKER_URL: url,
    ALLOW_PRIVATE_UPSTREAMS: new URL(url).host,
    APP_OWNER_JWT: await key.mint('owner', { expiresInSeconds: 600 }),
  })
  return startServer({ env, composition, appEnv: {}, log: pino({ level: env.logLevel }) })
}

async function demonstrate(running: RunningServer, dataDir: string, { billed }: Upstream): Promise<void> {
  const key = await loadDevelopmentKey(dataDir)
  const token = (user: string) => key.mint(user, { expiresInSeconds: 600 })
  const client = async (user: string) => createClient({ url: running.url, token: await token(user) })
  const countOf = async (eventId: string) => {
    const { rows } = await running.database.query({
      sql: 'select attendee_count from events where record_id = $1',
      params: [eventId],
    })
    return String(rows[0]?.[0])
  }

  heading('Ada creates an event and invites Bob, with the typed client')
  const ada = await client('ada')
  const startsAt = new Date('2030-01-01T18:00:00Z')
  const { recordId: eventId } = unwrap(
    await ada.actions.createEvent.mutate({ title: 'Launch', startsAt, capacity: 20 }),
  )
  say(`event ${eventId}`)
  unwrap(await ada.actions.inviteAttendee.mutate({ eventId, attendeeId: 'bob' }))
  say(`Bob is invited, and the event counts ${await countOf(eventId)} attendee`)

  heading('She invites Cyd over REST')
  const rest = async (user: string, action: string, input: unknown) => {
    const response = await fetch(`${running.url}/api/actions/${action}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await token(user)}`, 'content-type': 'application/json' },
      body: JSON.stringify(input),
    })
    return `${response.status} ${await response.text()}`
  }
  say(
    `POST /api/actions/inviteAttendee → ${await rest('ada', 'inviteAttendee', { eventId, attendeeId: 'cyd' })}`,
  )

  heading('A stranger may not, and learns nothing of a private event')
  say(`Eve invites herself: ${await rest('eve', 'inviteAttendee', { eventId, attendeeId: 'eve' })}`)
  say(`nobody: ${(await fetch(`${running.url}/api/actions/inviteAttendee`, { method: 'POST' })).status}`)

  heading('What callers may do by themselves needs no action')
  const address = `${running.url}/api/records/events/${eventId}`
  say(`nobody reads the private event: ${(await fetch(address)).status}`)
  unwrap(await ada.records.events.update.mutate({ recordId: eventId, patch: { visibility: 'public' } }))
  say(`Ada makes it public, and nobody reads it: ${(await fetch(address)).status}`)
  const attendee = { eventId, attendeeId: 'dan' }
  say(`Ada adds an attendee herself: ${code(await ada.records.attendees.create.mutate({ data: attendee }))}`)
  const raised = { recordId: eventId, patch: { attendeeCount: 0 } as object }
  say(`Ada sets the count herself: ${code(await ada.records.events.update.mutate(raised))}`)
  say(`The action does both: ${code(await ada.actions.inviteAttendee.mutate(attendee))}`)

  heading('Both writes or neither')
  const before = await countOf(eventId)
  say(`Ada invites Bob again: ${await rest('ada', 'inviteAttendee', { eventId, attendeeId: 'bob' })}`)
  say(
    `The count had been raised in the same transaction; it was ${before}, and it is ${await countOf(eventId)}`,
  )

  heading("The owner's work")
  const refused = await ada.actions.recomputeAnalytics.mutate({}).catch((error: unknown) => error)
  say(
    `Ada: ${refused instanceof DeputyError ? `${refused.code}: ${refused.message}` : 'was let in, which is wrong'}`,
  )
  const owner = await client('owner')
  say(`owner: ${JSON.stringify(unwrap(await owner.actions.recomputeAnalytics.mutate({})))}`)

  heading('A paid call between a read and a write')
  const { summary } = unwrap(await ada.actions.summarizeEvent.mutate({ eventId }))
  say(`Ada has the event summarized: ${JSON.stringify(summary)}`)
  say(`The upstream was called ${billed.length} time, and billed: ${billed.join(', ')}`)
}

function code(result: ActionResult<unknown>): string {
  return result.success ? 'done' : `${result.code}: ${result.error}`
}

function heading(text: string): void {
  console.log(`\n${text}`)
}

function say(text: string): void {
  console.log(`  ${text}`)
}
