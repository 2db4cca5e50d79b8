import { setTimeout as sleep } from 'node:timers/promises'
import { PROGRAMS } from './build.ts'
import { startChild } from './child.ts'
import { urlOf } from './servers.ts'

/** The provider that is called. */
export interface Upstream extends AsyncDisposable {
  readonly url: string
  /** How often `/quick` was called. */
  calls(): Promise<number>
  /** Waits until so many calls of `/slow` are kept waiting. */
  waitingCalls(count: number): Promise<void>
  /** Answers all that wait. */
  release(): Promise<void>
}

export async function startUpstream(): Promise<Upstream> {
  const child = await startChild(PROGRAMS.upstream)
  const url = urlOf(child)
  const state = async (): Promise<{ calls: number; waiting: number }> =>
    (await fetch(`${url}/state`)).json() as Promise<{ calls: number; waiting: number }>
  return {
    url,
    calls: async () => (await state()).calls,
    async waitingCalls(count) {
      while ((await state()).waiting < count) await sleep(20)
    },
    release: async () => {
      await fetch(`${url}/release`)
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}
