import type { Command } from 'commander'
import { printable } from '../core/printable.ts'
import type { ScheduleEntry, ScheduleList } from '../queue/list-schedules.ts'
import { dataOf } from './api-caller.ts'
import { say } from './database-command.ts'
import { readText } from './options.ts'

const FIELDS = 'name, times, time zone, next, last, last outcome, action, last job, last error'

/** What each command asks for, and what it says then. */
const CHANGES = {
  pause: {
    address: 'pause',
    summary: 'let a schedule queue no jobs',
    description:
      'Lets a schedule queue no jobs until it is resumed. What it has queued is done all the same.',
    done: 'is paused.',
  },
  resume: {
    address: 'resume',
    summary: 'let a paused schedule go on',
    description: 'Lets a paused schedule go on from now. What was due meanwhile is not made up for.',
    done: 'goes on.',
  },
  run: {
    address: 'run-now',
    summary: 'queue a job of a schedule now',
    description: 'Queues a job of a schedule now, beside its ticks. A server that runs does it.',
    done: 'has a job that is done as soon as it is its turn.',
  },
} as const

/** Adds `deputy schedules`, for what the app does on its own. */
export function addSchedules(program: Command): void {
  const schedules = program
    .command('schedules')
    .summary('show, pause, resume and run what the app does on its own')
    .description(
      'Shows, pauses, resumes and runs what server/schedules.ts declares, as the owner: OWNER_USER_ID must be set.',
    )
  schedules
    .command('list')
    .summary('print the schedules')
    .description(`Prints the schedules by name, a line each, fields divided by tabs:\n${FIELDS}`)
    .action(list)
  for (const [verb, change] of Object.entries(CHANGES)) {
    schedules
      .command(verb)
      .summary(change.summary)
      .description(change.description)
      .argument('<name>', 'of the schedule', readText)
      .action((name: string) => send(change, name))
  }
}

async function list(): Promise<void> {
  const { openAppCaller } = await import('./app-caller.ts')
  const caller = await openAppCaller('owner', undefined)
  try {
    // What this server answers to this address.
    const { schedules } = (await dataOf(
      caller.send({ method: 'GET', path: '/api/schedules' }),
    )) as ScheduleList
    for (const schedule of schedules) say(format(schedule))
    // Beside the list, which is empty for whatever reads it.
    if (schedules.length === 0) process.stderr.write('No server has started with a schedule.\n')
  } finally {
    await caller.close()
  }
}

async function send({ address, done }: (typeof CHANGES)[keyof typeof CHANGES], name: string): Promise<void> {
  const { openAppCaller } = await import('./app-caller.ts')
  const caller = await openAppCaller('owner', undefined)
  try {
    const body = JSON.stringify({ name })
    await dataOf(caller.send({ method: 'POST', path: `/api/schedules/${address}`, body }))
    say(`${printable(name)} ${done}`)
  } finally {
    await caller.close()
  }
}

function format(schedule: ScheduleEntry): string {
  const { name, cron, every, timeZone, isPaused, next, last, lastOutcome, action, lastJob, lastError } =
    schedule
  const [distance] = Object.entries(every ?? {})
  const times = cron ?? (distance ? `every ${distance[1]} ${distance[0]}` : '')
  const iso = (at: Date | null) => at && new Date(at).toISOString()
  return [
    name,
    times,
    timeZone,
    isPaused ? 'paused' : iso(next),
    iso(last),
    lastOutcome,
    action,
    lastJob,
    lastError,
  ]
    .map((field) => printable(String(field ?? '')))
    .join('\t')
}
