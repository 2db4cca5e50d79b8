import { setTimeout } from 'node:timers/promises'
import { type Finding, problem } from '../core/finding.ts'

/** What was found the last time that someone asked. */
export interface Findings {
  readonly at: Date
  readonly findings: readonly Finding[]
}

/** Looks at what the server needs, one thing after the other. */
export type Examine = () => AsyncIterable<Finding>

export interface ExaminationOptions {
  readonly clock: () => Date
  /** How long what was found is good for, in milliseconds. @default 30 000 */
  readonly goodForMs?: number
  /** How long is looked, in milliseconds. @default 20 000 */
  readonly patienceMs?: number
}

/** Whoever asks more often costs the database and the provider of keys nothing. */
const GOOD_FOR_MS = 30_000
const PATIENCE_MS = 20_000

/** Makes what examines the server: once for all who ask within half a minute. */
export function createExamination(
  examine: Examine,
  { clock, goodForMs = GOOD_FOR_MS, patienceMs = PATIENCE_MS }: ExaminationOptions,
): () => Promise<Findings> {
  let begunMs = Number.NEGATIVE_INFINITY
  let last: Promise<Findings> | undefined
  return () => {
    const at = clock()
    if (last && at.getTime() - begunMs < goodForMs) return last
    begunMs = at.getTime()
    const found = findingsOf(examine, patienceMs).then((findings) => ({ at, findings }))
    found.catch(() => {
      if (last === found) last = undefined
    })
    last = found
    return found
  }
}

/** Gives what was found in time. */
async function findingsOf(examine: Examine, patienceMs: number): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const waiting = new AbortController()
  try {
    const ended = await Promise.race([
      collect(examine, findings),
      setTimeout(patienceMs, 'late', { signal: waiting.signal }),
    ])
    if (ended !== 'late') return findings
    return [...findings, problem('doctor', `the rest was not looked at within ${patienceMs / 1_000} seconds`)]
  } finally {
    waiting.abort()
  }
}

async function collect(examine: Examine, findings: Finding[]): Promise<void> {
  for await (const finding of examine()) findings.push(finding)
}
