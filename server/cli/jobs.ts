import type { Command } from 'commander'
import { printable } from '../core/printable.ts'
import type { JobEntry, JobPage } from '../queue/list-jobs.ts'
import { dataOf, listPages } from './api-caller.ts'
import { say } from './database-command.ts'
import { countReader, must, readText, valueOption } from './options.ts'

const MAX_LIST = 10_000
const DEFAULT_LIST = 50
const STATES = ['waiting', 'running', 'done', 'failed']
const FIELDS = 'id, state, queued at, due at, attempts, action, as, caller, progress, last error'

interface ListOptions {
  readonly state?: string
  readonly action?: string
  readonly schedule?: string
  readonly limit?: number
}

/** Adds `deputy jobs`, for what the app does later and on its own. */
export function addJobs(program: Command): void {
  const jobs = program
    .command('jobs')
    .summary('show, retry and cancel jobs')
    .description('Shows, retries and cancels jobs, as the owner: OWNER_USER_ID must be set.')
  jobs
    .command('list')
    .summary('print jobs, newest first')
    .description(`Prints jobs, newest first, a line each, fields divided by tabs:\n${FIELDS}`)
    .addOption(valueOption('--state <state>', `${STATES.join(', ')}: given up`, readState))
    .addOption(valueOption('--action <name>', 'those that run this action', readText))
    .addOption(valueOption('--schedule <name>', 'those of this schedule', readText))
    .addOption(
      valueOption('--limit <n>', `how many at most (default: ${DEFAULT_LIST})`, countReader(MAX_LIST)),
    )
    .action(list)
  jobs
    .command('show')
    .summary('print all that is known of a job')
    .description('Prints all that is known of a job, its input among it, as JSON.')
    .argument('<id>', 'of the job', readText)
    .action(show)
  jobs
    .command('retry')
    .summary('have a job run now')
    .description('Has a job run now, in particular one that was given up. A server that runs does it.')
    .argument('<id>', 'of the job', readText)
    .action((id: string) => change('retry', id))
  jobs
    .command('cancel')
    .summary('cancel a job for good')
    .description('Cancels a job for good: one that waits, or one that was given up.')
    .argument('<id>', 'of the job', readText)
    .action((id: string) => change('cancel', id))
}

async function list({ limit = DEFAULT_LIST, state, action, schedule }: ListOptions): Promise<void> {
  const { openAppCaller } = await import('./app-caller.ts')
  const caller = await openAppCaller('owner', undefined)
  try {
    const filters = { state, action, schedule }
    let count = 0
    for await (const job of listPages(caller, '/api/jobs', filters, limit, ({ jobs }: JobPage) => jobs)) {
      count += 1
      say(format(job))
    }
    // Beside the list, which is empty for whatever reads it.
    if (count === 0) process.stderr.write('There is no such job.\n')
  } finally {
    await caller.close()
  }
}

async function show(id: string): Promise<void> {
  const { openAppCaller } = await import('./app-caller.ts')
  const caller = await openAppCaller('owner', undefined)
  try {
    const path = `/api/jobs/${encodeURIComponent(id)}`
    const { job } = await dataOf<{ readonly job: JobEntry }>(caller.send({ method: 'GET', path }))
    say(JSON.stringify(job, null, 2))
  } finally {
    await caller.close()
  }
}

async function change(verb: 'retry' | 'cancel', id: string): Promise<void> {
  const { openAppCaller } = await import('./app-caller.ts')
  const caller = await openAppCaller('owner', undefined)
  try {
    const body = JSON.stringify({ id })
    await dataOf(caller.send({ method: 'POST', path: `/api/jobs/${verb}`, body }))
    say(verb === 'retry' ? `${printable(id)} is queued to be run now.` : `${printable(id)} is canceled.`)
  } finally {
    await caller.close()
  }
}

function format(job: JobEntry): string {
  const { id, state, createdAt, dueAt, attempts, action, as, caller, progress, lastError } = job
  const times = [createdAt, dueAt].map((at) => new Date(at).toISOString())
  const told = progress === null ? '' : JSON.stringify(progress)
  return [id, state, ...times, attempts, action, as, caller, told, lastError]
    .map((field) => printable(String(field ?? '')))
    .join('\t')
}

function readState(text: string): string {
  return must(STATES.includes(text), text, `It must be ${STATES.join(', ')}.`)
}
