import { once } from 'node:events'
import { PROGRAMS } from './build.ts'
import { startChild } from './child.ts'
import type { LoadJob, LoadResult } from './load-job.ts'

export interface Load extends AsyncDisposable {
  readonly pid: number
  /** Sends all requests of a job. @throws {Error} when it could not be run. */
  run(job: LoadJob): Promise<LoadResult>
}

export async function startLoad(): Promise<Load> {
  const child = await startChild(PROGRAMS.load)
  return {
    pid: child.pid,
    async run(job) {
      const answered = once(child.process, 'message')
      child.process.send(job)
      const [answer] = (await answered) as [{ result: LoadResult } | { error: string }]
      if ('error' in answer) throw new Error(`The load ${job.name} failed: ${answer.error}`)
      return answer.result
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}
