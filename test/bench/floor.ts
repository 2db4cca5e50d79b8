import { spawn } from 'node:child_process'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { guarded, temporaryPath } from '../support/guarded.ts'
import { ROWS, USERS } from './seed.ts'

const BINARIES = '/usr/lib/postgresql'
/** pgbench counts the time in which it connects as well, though not in its rate. */
const CONNECT_SECONDS = 3
const BEGIN = 'begin isolation level serializable;'
const AUDIT = (action: string) => `
  insert into audit_log (request_id, actor, action, input, writes, ip)
  values (gen_random_uuid()::text, 'user-0', '${action}', '{"title":"Event"}', '[["create","events","1"]]', '127.0.0.1');`

/** The statements of the baseline, from a program that does nothing else. */
const SCRIPTS = {
  createEvent: `${BEGIN}
  insert into events (record_id, created_by, created_at, updated_at, title, starts_at, capacity)
  values (gen_random_uuid()::text, 'user-0', now(), now(), 'Event', '2030-01-01T18:00:00Z', 20);
  ${AUDIT('createEvent')}
  commit;`,
  inviteAttendee: `\\set n random(0, ${ROWS - 1})
  ${BEGIN}
  select created_by, attendee_count, capacity from events where record_id = 'event-' || :n;
  update events set attendee_count = attendee_count + 1, version = version + 1, updated_at = now()
  where record_id = 'event-' || :n;
  insert into attendees (record_id, created_by, created_at, updated_at, event_id, attendee_id)
  values (gen_random_uuid()::text, 'user-' || :n % ${USERS.length}, now(), now(), 'event-' || :n, gen_random_uuid()::text)
  on conflict do nothing;
  ${AUDIT('inviteAttendee')}
  commit;`,
} as const

export interface FloorResult {
  readonly work: keyof typeof SCRIPTS
  readonly connections: number
  readonly callsPerSecond: number
}

/** How fast the same SQL is without any server before it; undefined where pgbench is not installed. */
export async function measureFloor(
  databaseUrl: string,
  connections: readonly number[],
  seconds: number,
): Promise<readonly FloorResult[] | undefined> {
  const pgbench = await findPgbench()
  if (pgbench === undefined) return undefined
  const directory = await temporaryPath('bench')
  try {
    const results: FloorResult[] = []
    for (const work of ['createEvent', 'inviteAttendee'] as const) {
      const file = join(directory, `${work}.sql`)
      await writeFile(file, SCRIPTS[work])
      for (const count of connections) {
        const args = [
          '-n',
          '-M',
          'prepared',
          '-f',
          file,
          '-c',
          `${count}`,
          '-T',
          `${seconds + CONNECT_SECONDS}`,
        ]
        const output = await run(pgbench, [...args, '--max-tries=100', databaseUrl])
        const callsPerSecond = Number(/^tps = ([\d.]+)/m.exec(output)?.[1])
        results.push({ work, connections: count, callsPerSecond })
      }
    }
    return results
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function findPgbench(): Promise<string | undefined> {
  const versions = await readdir(BINARIES).catch(() => [])
  const candidates = [...versions.map((version) => join(BINARIES, version, 'bin/pgbench')), 'pgbench']
  for (const candidate of candidates) {
    const found = await run(candidate, ['--version']).catch(() => undefined)
    if (found !== undefined) return candidate
  }
  return undefined
}

function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = guarded(spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] }))
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part: string) => {
        output += part
      })
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${program} ended with ${code}: ${output}`)),
    )
  })
}
