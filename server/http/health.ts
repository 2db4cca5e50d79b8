import type { HttpAnswer } from './exchange.ts'
import { headersOfAll } from './respond.ts'

const READY_TIMEOUT_MS = 2_000
const READY_MEMORY_MS = 500

export interface HealthOptions {
  ping(timeoutMs: number): Promise<boolean>
  isStopping(): boolean
}

export type Probe = (requestId: string) => Promise<HttpAnswer>

/** Makes what answers probes, by their paths. */
export function createProbes({ ping, isStopping }: HealthOptions): ReadonlyMap<string, Probe> {
  const isDatabaseReady = remembered(() => ping(READY_TIMEOUT_MS), READY_MEMORY_MS)
  return new Map<string, Probe>([
    ['/healthz', async (requestId) => answerProbe(200, 'ok', requestId)],
    [
      '/readyz',
      async (requestId) => {
        if (isStopping()) return answerProbe(503, 'stopping', requestId)
        return (await isDatabaseReady())
          ? answerProbe(200, 'ready', requestId)
          : answerProbe(503, 'database not available', requestId)
      },
    ],
  ])
}

function answerProbe(code: number, status: string, requestId: string): HttpAnswer {
  const headers = { 'content-type': 'application/json', ...headersOfAll(requestId) }
  return { status: code, headers, body: JSON.stringify({ status }) }
}

/** Asks once for everyone who asks meanwhile and shortly after: probes must not take connections from calls. */
function remembered(ask: () => Promise<boolean>, memoryMs: number): () => Promise<boolean> {
  let answer: Promise<boolean> | undefined
  return () => {
    answer ??= ask().finally(() => {
      setTimeout(() => {
        answer = undefined
      }, memoryMs).unref()
    })
    return answer
  }
}
