import type { Command } from 'commander'
import { printable } from '../core/printable.ts'
import type { OutboxEntry, OutboxPage } from '../queue/list.ts'
import { dataOf, listPages } from './api-caller.ts'
import { say } from './database-command.ts'
import { countReader, must, readText, valueOption } from './options.ts'

const MAX_LIST = 10_000
const DEFAULT_LIST = 50
const FIELDS = 'id, state, queued at, next attempt at, attempts, endpoint, action, caller, last error'

/** Adds `deputy outbox`, for messages that have not arrived. */
export function addOutbox(program: Command): void {
  const outbox = program
    .command('outbox')
    .summary('show, retry and drop messages that have not arrived')
    .description(
      'Shows, retries and drops messages that have not arrived, as the owner: OWNER_USER_ID must be set.',
    )
  outbox
    .command('list')
    .summary('print messages, newest first')
    .description(`Prints messages, newest first, a line each, fields divided by tabs:\n${FIELDS}`)
    .addOption(valueOption('--state <state>', 'queued, or dead for those that were given up', readState))
    .addOption(
      valueOption('--limit <n>', `how many at most (default: ${DEFAULT_LIST})`, countReader(MAX_LIST)),
    )
    .action(({ state, limit = DEFAULT_LIST }) => list(state, limit))
  outbox
    .command('retry')
    .summary('have a message sent now')
    .description('Has a message sent now, in particular one that was given up. A server that runs sends it.')
    .argument('<id>', 'of the message', readText)
    .action((id: string) => change('retry', id))
  outbox
    .command('drop')
    .summary('give a message up for good')
    .description(
      'Gives a message up for good. What was reserved for it is refunded, or charged where it may have arrived.',
    )
    .argument('<id>', 'of the message', readText)
    .action((id: string) => change('drop', id))
}

async function list(state: string | undefined, limit: number): Promise<void> {
  const { openAppCaller } = await import('./app-caller.ts')
  const caller = await openAppCaller('owner', undefined)
  try {
    const messages = (page: OutboxPage) => page.messages
    let count = 0
    for await (const message of listPages(caller, '/api/outbox', { state }, limit, messages)) {
      count += 1
      say(format(message))
    }
    // Beside the list, which is empty for whatever reads it.
    if (count === 0)
      process.stderr.write(state === 'dead' ? 'No message was given up.\n' : 'No message waits to be sent.\n')
  } finally {
    await caller.close()
  }
}

async function change(verb: 'retry' | 'drop', id: string): Promise<void> {
  const { openAppCaller } = await import('./app-caller.ts')
  const caller = await openAppCaller('owner', undefined)
  try {
    const body = JSON.stringify({ id })
    await dataOf(caller.send({ method: 'POST', path: `/api/outbox/${verb}`, body }))
    say(verb === 'retry' ? `${printable(id)} is queued to be sent now.` : `${printable(id)} is dropped.`)
  } finally {
    await caller.close()
  }
}

function format(message: OutboxEntry): string {
  const { id, state, createdAt, dueAt, attempts, endpoint, action, caller, lastError } = message
  const times = [createdAt, dueAt].map((at) => new Date(at).toISOString())
  return [id, state, ...times, attempts, endpoint, action, caller, lastError]
    .map((field) => printable(String(field ?? '')))
    .join('\t')
}

function readState(text: string): string {
  return must(text === 'queued' || text === 'dead', text, 'It must be queued or dead.')
}
