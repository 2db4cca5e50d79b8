import { createClient } from '../../client/core/index.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import type { startServer } from './process.ts'

const EVENT = { title: 'Launch', startsAt: new Date('2030-01-01T18:00:00Z'), capacity: 20 }
const CALLERS = 40

interface Ending {
  readonly token: string
  /** What the server is sent in the middle of the calls. */
  readonly signal: NodeJS.Signals
  /** After so many acknowledged calls. */
  readonly after: number
}

/**
 * Creates events by many callers at once until the server is gone, which is sent a signal meanwhile. A slow machine
 * refuses some calls: each caller goes on.
 *
 * @returns the ids of the events that were acknowledged
 */
export async function callUntilEnded(
  { url, child }: Awaited<ReturnType<typeof startServer>>,
  { token, signal, after }: Ending,
): Promise<readonly string[]> {
  const acknowledged: string[] = []
  const client = createClient<FixtureRouter>({ url, token, retries: false })
  const call = async () => {
    while (child.exitCode === null && child.signalCode === null) {
      const answer = await client.actions.createEvent.mutate(EVENT).catch(() => undefined)
      if (answer?.success && acknowledged.push(answer.data.recordId) === after) child.kill(signal)
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, call))
  return acknowledged
}
