import { spawn } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { guarded, temporaryPath } from '../support/guarded.ts'
import type { RequestTemplate } from './load-job.ts'

export interface WrkOptions {
  readonly url: string
  /** The same request each time. */
  readonly template: RequestTemplate
  readonly connections: number
  readonly seconds: number
}

export interface WrkResult {
  readonly callsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly failed: number
}

/** Measures with wrk, which takes less of the machine than autocannon does; undefined where it is not installed. */
export async function measureWithWrk(options: WrkOptions): Promise<WrkResult | undefined> {
  const { url, template, connections, seconds } = options
  const directory = await temporaryPath('bench')
  try {
    const script = join(directory, 'request.lua')
    await writeFile(script, scriptOf(template))
    const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-s', script, url + template.path]
    const output = await run('wrk', args)
    return output === undefined ? undefined : readWrk(output)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** wrk is told in Lua what to send; JSON's strings are Lua's as well, for what stands in these requests. */
function scriptOf({ method, headers, body }: RequestTemplate): string {
  const lines = [`wrk.method = ${JSON.stringify(method)}`]
  for (const [name, value] of Object.entries(headers))
    lines.push(`wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`)
  if (body !== undefined) lines.push(`wrk.body = ${JSON.stringify(body)}`)
  return lines.join('\n')
}

const MS: ReadonlyMap<string | undefined, number> = new Map([
  ['us', 0.001],
  ['ms', 1],
  ['s', 1_000],
])

/** Reads what wrk prints. NaN for what it does not say. */
export function readWrk(output: string): WrkResult {
  const latencyMs = (part: number) => {
    const [, number, unit] = new RegExp(`^ +${part}% +([\\d.]+)(us|ms|s)$`, 'm').exec(output) ?? []
    return Number(number) * (MS.get(unit) ?? Number.NaN)
  }
  const [, ...socketErrors] =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output) ?? []
  const refused = /Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0
  return {
    callsPerSecond: Number(/^Requests\/sec: +([\d.]+)$/m.exec(output)?.[1]),
    p50Ms: latencyMs(50),
    p99Ms: latencyMs(99),
    failed: [refused, ...socketErrors].reduce<number>((sum, count) => sum + Number(count), 0),
  }
}

function run(program: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = guarded(spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] }))
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      output += part
    })
    child.on('error', (error) =>
      'code' in error && error.code === 'ENOENT' ? resolve(undefined) : reject(error),
    )
    child.on('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${program} ended with ${code}: ${output}`)),
    )
  })
}
