import { text } from 'node:stream/consumers'
import { type Command, Option } from 'commander'
import { z } from 'zod'
import type { ActionResult } from '../core/result.ts'
import { IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_RULE } from '../wire/idempotency-key.ts'
import { type ApiCaller, apiCaller } from './api-caller.ts'
import { CommandError, WRONG_USAGE } from './command-error.ts'
import { say } from './database-command.ts'
import { must, readText, readUserId, valueOption } from './options.ts'

interface CallCommandOptions {
  readonly as?: string
  readonly claims?: Readonly<Record<string, unknown>>
  readonly idempotencyKey?: string
  readonly dryRun?: true
  readonly url?: URL
  readonly token?: string
  readonly built?: true
}

const DESCRIPTION = `Calls an action as a user, with all that a client's call has: authentication, gate, transaction, audit. It opens
the app in this process, which brings the database up to date as a start does; where a server has the embedded
database open, it calls that one; with --url and --token it calls a server elsewhere. An internal action runs in this process,
as no one or as the owner. It prints the result as JSON.`

/** Adds `deputy call`. */
export function addCall(program: Command): void {
  program
    .command('call')
    .summary('call an action as a user')
    .description(DESCRIPTION)
    .argument('<action>', 'its name', readAction)
    .argument('[json]', 'its input; - reads it from standard input (default: {})')
    .addOption(valueOption('--as <user>', 'the id of the user', readUserId).conflicts(['url', 'token']))
    .addOption(
      valueOption('--claims <json>', 'further claims of their token, as {"email":"a@b.c"}', readClaims),
    )
    .addOption(
      valueOption('--idempotency-key <key>', 'a repeated call is done once', readKey).conflicts('dryRun'),
    )
    .addOption(new Option('--dry-run', 'take everything back, and print what it would have done'))
    .addOption(valueOption('--url <url>', 'a server that runs elsewhere', readUrl))
    .addOption(valueOption('--token <token>', 'of that server', readText))
    .option('--built', 'load dist/server/app.js, as with NODE_ENV=production')
    .action(call)
}

async function call(action: string, json: string | undefined, options: CallCommandOptions): Promise<void> {
  const body = checkedJson(json === '-' ? await text(process.stdin) : (json ?? '{}'))
  const result = (await callInternally(action, body, options)) ?? (await callAsClient(action, body, options))
  say(JSON.stringify(result, null, 2))
  if (!result.success) process.exitCode = 1
}

/** Calls an action that no client can call; undefined for all others. */
async function callInternally(
  action: string,
  body: string,
  { as, url, token, idempotencyKey, dryRun, built }: CallCommandOptions,
): Promise<ActionResult<unknown> | undefined> {
  if (url || token !== undefined) return undefined
  const { callInternalAction } = await import('./app-caller.ts')
  return callInternalAction({ action, body, as, idempotencyKey, isDryRun: dryRun, isBuilt: built })
}

async function callAsClient(
  action: string,
  body: string,
  options: CallCommandOptions,
): Promise<ActionResult<unknown>> {
  const caller = await openCaller(options)
  try {
    const { idempotencyKey, dryRun: isDryRun } = options
    const path = `/api/actions/${action}`
    return (await caller.send({ method: 'POST', path, body, idempotencyKey, isDryRun })).result
  } finally {
    await caller.close()
  }
}

async function openCaller({ as, claims = {}, url, token, built }: CallCommandOptions): Promise<ApiCaller> {
  if (url && token !== undefined) return apiCaller(url.href, token)
  if (url || token !== undefined)
    throw new CommandError('--url and --token go together: a server, and whose call it is.', WRONG_USAGE)
  if (as === undefined)
    throw new CommandError('Say who calls: --as USER, or --url URL --token TOKEN.', WRONG_USAGE)
  const { openAppCaller } = await import('./app-caller.ts')
  return openAppCaller({ userId: as, claims }, built)
}

function checkedJson(json: string): string {
  try {
    JSON.parse(json)
    return json
  } catch (error) {
    throw new CommandError(
      `The input is no JSON: ${error instanceof Error ? error.message : error}.`,
      WRONG_USAGE,
    )
  }
}

function readAction(name: string): string {
  return must(
    /^[A-Za-z][A-Za-z0-9]{0,63}$/.test(name),
    name,
    'It must be the name of an action, as in createEvent.',
  )
}

function readKey(key: string): string {
  return must(IDEMPOTENCY_KEY.test(key), key, `It must be ${IDEMPOTENCY_KEY_RULE}.`)
}

function readUrl(address: string): URL {
  const isRight = URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)
  return must(
    isRight,
    isRight ? new URL(address) : new URL('http://deputy.invalid'),
    'It must be an http or https URL.',
  )
}

const CLAIMS_RULE = 'It must be a JSON object, as {"email":"a@b.c"}.'

function readClaims(json: string): Readonly<Record<string, unknown>> {
  const parsed = z.record(z.string(), z.unknown()).safeParse(jsonOf(json))
  return must(parsed.success, parsed.data ?? {}, CLAIMS_RULE)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
