import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { guarded } from '../support/guarded.ts'
import { holdServer } from '../support/held-servers.ts'
import { ON_SOURCES } from '../support/on-sources.ts'
import type { Death } from './death.ts'

const PROGRAMS = {
  bank: new URL('server.ts', import.meta.url),
  market: new URL('market-server.ts', import.meta.url),
}

/** Starts a server as a process of its own. Killed when disposed. @throws {Error} when it does not come up. */
export async function startServer(
  databaseUrl: string,
  bankUrl: string,
  program: keyof typeof PROGRAMS = 'bank',
  env: Readonly<Record<string, string>> = {},
) {
  const child = guarded(
    fork(fileURLToPath(PROGRAMS[program]), [databaseUrl, bankUrl], {
      execArgv: [...ON_SOURCES],
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    }),
  )
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }))
  const answer = async () => {
    const [message] = await Promise.race([
      once(child, 'message'),
      ended.then(({ code, signal }) => Promise.reject(new Error(`The server ended (${code ?? signal})`))),
    ])
    return message
  }
  const { url, document } = await answer()
  holdServer(url, document)
  return {
    url,
    ended,
    /** Lets it kill itself at this point. */
    async dieAt(death: Death) {
      child.send(death)
      await answer()
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async [Symbol.asyncDispose]() {
      await this.kill()
    },
  }
}

export type ServerProcess = Awaited<ReturnType<typeof startServer>>
