import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { guarded } from '../support/guarded.ts'
import { holdServer } from '../support/held-servers.ts'
import { programOf } from '../support/programs.ts'
import type { Death } from './death.ts'

/** Starts a server as a process of its own. Killed when disposed. @throws {Error} when it does not come up. */
export async function startServer(
  databaseUrl: string,
  bankUrl: string,
  program: 'bank' | 'market' = 'bank',
  env: Readonly<Record<string, string>> = {},
) {
  const child = guarded(
    spawn(process.execPath, [...(await programOf(program)), databaseUrl, bankUrl], {
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
  holdServer(url, document, ended)
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
