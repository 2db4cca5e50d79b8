import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { guarded } from '../support/guarded.ts'
import type { Scenario } from './scenario.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** What `test/support/shortened.ts` shortens elsewhere. */
const FILES = [
  'test/embedded/kill',
  'test/faults/backends-killed',
  'test/faults/blows-at-commit',
  'test/faults/hot-record',
  'test/faults/outbox',
  'test/faults/poolers',
]

const LIVE_FILES = ['test/faults/live-killed', 'test/live/model', 'test/package/example-streams']

const JOB_FILES = ['test/faults/jobs', 'test/faults/job-model', 'test/faults/webhook']

/** Runs the tests of faults at their whole length, again and again while there is time. */
export const faults: Scenario = wholeLength(FILES)
/** The same for jobs, schedules and webhooks. */
export const jobs: Scenario = wholeLength(JOB_FILES)
/** The same for live queries. */
export const live: Scenario = wholeLength(LIVE_FILES)

function wholeLength(files: readonly string[]): Scenario {
  return async ({ seconds, databaseUrl }) => {
    const endsAt = performance.now() + seconds * 1_000
    let [runs, failed] = [0, 0]
    do {
      runs += 1
      if (!(await isGreen(files, databaseUrl))) failed += 1
    } while (performance.now() < endsAt)
    const problems = failed === 0 ? [] : [`${failed} of ${runs} runs had a test that failed`]
    return { lines: [`${runs} runs of ${files.length} files`], problems }
  }
}

async function isGreen(files: readonly string[], databaseUrl: string | undefined): Promise<boolean> {
  const vitest = resolve(ROOT, 'node_modules/vitest/vitest.mjs')
  const child = guarded(
    spawn(process.execPath, [vitest, 'run', '--project', 'p*', '--project', 'static', ...files], {
      cwd: ROOT,
      env: { ...process.env, WHOLE_FAULTS: 'yes', TEST_DATABASE_URL: databaseUrl },
      stdio: 'inherit',
    }),
  )
  const [code] = await once(child, 'close')
  return code === 0
}
