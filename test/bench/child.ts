import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { guarded } from '../support/guarded.ts'

export interface ChildOptions {
  /** All of its environment, but for PATH. */
  readonly env?: Readonly<Record<string, string>>
  /** Where it leaves its CPU profile. @default it makes none */
  readonly profileDirectory?: string | undefined
}

export interface Child extends AsyncDisposable {
  readonly process: ChildProcess
  readonly pid: number
  /** The first thing that it said. */
  readonly ready: unknown
}

/** Starts a program and waits until it says that it is ready. Its output is thrown away, as a log collector's is. @throws {Error} */
export async function startChild(program: string, options: ChildOptions = {}): Promise<Child> {
  const { env = {}, profileDirectory } = options
  const child = guarded(
    fork(program, [], {
      env: { PATH: process.env.PATH, NODE_ENV: 'production', ...env },
      execArgv:
        profileDirectory === undefined
          ? ['--enable-source-maps']
          : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    }),
  )
  const ended = once(child, 'exit')
  const [ready] = await Promise.race([
    once(child, 'message'),
    ended.then(([code, signal]) => Promise.reject(new Error(`${program} ended (${code ?? signal})`))),
  ])
  if (child.pid === undefined) throw new Error(`${program} has no process id`)
  return {
    process: child,
    pid: child.pid,
    ready,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
