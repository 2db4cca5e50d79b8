// The load, in a process of its own: it takes jobs as messages, one at a time, and answers with their results.
import autocannon from 'autocannon'
import type { LoadJob, LoadResult } from './load-job.ts'
import { median, percentile } from './median.ts'
import { createRequestSource } from './request-source.ts'

const TIMEOUT_S = 60

function run(job: LoadJob): Promise<LoadResult> {
  const statuses: Record<string, number> = {}
  const latenciesMs: number[] = []
  const answeredBy = new Map<unknown, number>()
  const share = Math.floor(job.requests / job.connections)
  const startedAt = performance.now()
  // Rates are those of the time in which all connections were at work.
  let all: { readonly ms: number; readonly good: number } | undefined
  let good = 0
  return new Promise((resolve, reject) => {
    const done = (error: Error | null) => {
      if (error) return reject(error)
      const seconds = (performance.now() - startedAt) / 1_000
      const answered = latenciesMs.length
      const measured = all ?? { ms: seconds * 1_000, good }
      resolve({
        statuses,
        lost: job.seconds === undefined ? job.requests - answered : 0,
        requestsPerSecond: (measured.good / measured.ms) * 1_000,
        p50Ms: median(latenciesMs),
        p99Ms: percentile(latenciesMs, 0.99),
        seconds,
      })
    }
    const options = {
      url: [...job.urls],
      connections: job.connections,
      ...(job.seconds === undefined ? { amount: job.requests } : { duration: job.seconds }),
      timeout: TIMEOUT_S,
      sampleInt: 50,
      requests: [createRequestSource(job)],
    }
    const instance = autocannon(options as unknown as autocannon.Options, done)
    instance.on('response', (client, statusCode, _bytes, responseMs) => {
      statuses[statusCode] = (statuses[statusCode] ?? 0) + 1
      if (statusCode === 200) good += 1
      latenciesMs.push(responseMs)
      const count = (answeredBy.get(client) ?? 0) + 1
      answeredBy.set(client, count)
      if (count === share && job.seconds === undefined) all ??= { ms: performance.now() - startedAt, good }
    })
  })
}

process.on('message', (job: LoadJob) => {
  run(job).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) }),
  )
})
process.on('SIGTERM', () => process.exit())
process.on('disconnect', () => process.exit())
process.send?.('ready')
