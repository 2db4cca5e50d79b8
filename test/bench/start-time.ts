import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { guarded, temporaryPath } from '../support/guarded.ts'
import { PROGRAMS } from './build.ts'
import type { Tokens } from './tokens.ts'

export interface StartOptions {
  readonly tokens: Tokens
  /** On PostgreSQL; without it a first start on the embedded database, in a directory that is thrown away. */
  readonly databaseUrl?: string
}

/** Seconds from starting the shipped server until it answers. @throws {Error} when it does not. */
export async function startSeconds({ tokens, databaseUrl }: StartOptions): Promise<number> {
  const directory = await temporaryPath('bench')
  const startedAt = performance.now()
  const child = guarded(
    spawn(process.execPath, [PROGRAMS.main], {
      cwd: directory,
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'production',
        PORT: '0',
        OWNER_USER_ID: 'owner',
        AUTH_JWT_PUBLIC_KEY: tokens.publicKeyPem,
        AUTH_JWT_ISSUER: tokens.issuer,
        AUTH_JWT_AUDIENCE: tokens.audience,
        ...(databaseUrl === undefined
          ? { DATA_DIR: join(directory, 'data') }
          : { DATABASE_URL: databaseUrl }),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  const ended = once(child, 'exit')
  try {
    const url = await addressOf(child.stdout)
    const answer = await fetch(`${url}/readyz`)
    if (answer.status !== 200) throw new Error(`The server started, but is not ready (${answer.status})`)
    return (performance.now() - startedAt) / 1_000
  } finally {
    child.kill('SIGTERM')
    await ended
    await rm(directory, { recursive: true, force: true })
  }
}

async function addressOf(output: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const part of output) {
    text += String(part)
    const url = /^Deputy listens on (\S+)$/m.exec(text)?.[1]
    if (url !== undefined) return url
  }
  throw new Error(`The server ended before it listened:\n${text}`)
}
