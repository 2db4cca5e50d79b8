import { z } from 'zod'
import { printable } from '../core/printable.ts'
import type { ServerEnv } from '../env/environment.ts'
import { CommandError } from './command-error.ts'

const PATIENCE_MS = 10_000

const phase = z.object({ what: z.string(), name: z.string().optional(), ms: z.number() })
const report = z.object({
  at: z.string(),
  clients: z.record(z.string(), z.number()),
  callCount: z.number(),
  calls: z.array(
    z.object({
      action: z.string(),
      source: z.string(),
      transport: z.string(),
      requestId: z.string(),
      ageMs: z.number(),
      attempts: z.number(),
      at: z.array(phase),
    }),
  ),
  pool: z.record(z.string(), z.number()),
  turns: z.record(z.string(), z.number()),
  queue: z.record(z.string(), z.number()).nullable(),
})

/** Asks the server that runs what it is doing. @returns lines for a person @throws {CommandError} where it cannot be asked */
export async function askLive({
  metricsHost,
  metricsPort,
}: Pick<ServerEnv, 'metricsHost' | 'metricsPort'>): Promise<readonly string[]> {
  if (metricsPort === undefined || metricsPort === 0)
    throw new CommandError(
      'The server is asked at METRICS_PORT, which is not set to a port. Set it for the server and for this command; or send the server SIGUSR2 (kill -USR2 PID), and look into its log.',
    )
  const url = `http://${reachable(metricsHost)}:${metricsPort}/live`
  const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) }).catch((error: unknown) => {
    const { cause } = error instanceof Error ? error : {}
    throw new CommandError(
      `${url} does not answer: ${cause instanceof Error ? cause.message : String(error)}`,
    )
  })
  const found = report.safeParse(await response.json().catch(() => undefined))
  if (!response.ok || !found.success)
    throw new CommandError(`${url} gave an answer that is none of Deputy's (${response.status}).`)
  return linesOf(found.data).map(printable)
}

/** Where a server is asked that listens on all addresses. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

function linesOf({ at, clients, callCount, calls, pool, turns, queue }: z.output<typeof report>): string[] {
  const told = callCount > calls.length ? `, of which the ${calls.length} oldest are told` : ''
  return [
    `at       ${at}`,
    `clients  ${pairs(clients)}`,
    `pool     ${pairs(pool)}`,
    `turns    ${pairs(turns)}`,
    `queue    ${queue ? pairs(queue) || 'empty' : 'the database does not answer'}`,
    `calls    ${callCount}${told}`,
    ...calls.map(
      ({ action, source, transport, requestId, ageMs, attempts, at: phases }) =>
        `  ${`${ageMs} ms`.padStart(10)}  ${action} (${transport}, ${source}) attempt ${attempts}: ${phases.map(say).join(', ') || 'its handler'}  ${requestId}`,
    ),
  ]
}

function say({ what, name, ms }: z.output<typeof phase>): string {
  return `${what}${name === undefined ? '' : ` ${name}`} for ${ms} ms`
}

function pairs(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}
