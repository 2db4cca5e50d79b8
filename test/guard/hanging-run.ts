// Run by a test as a vitest of its own, and killed in the midst: no test of ours ends it.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'vitest'
import { guarded, temporaryDirectory } from '../support/guarded.ts'

const BUSY = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)'

it('never ends', async () => {
  const { path } = await temporaryDirectory('hanging')
  // Its event loop notices nothing; and a child of a child.
  const busy = guarded(spawn(process.execPath, ['--eval', BUSY]))
  const shell = guarded(
    spawn('/bin/sh', ['-c', 'sleep 3600 & echo $!; wait'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  )
  const [sleeper] = await new Promise<[Buffer]>((resolve) =>
    shell.stdout.once('data', (data) => resolve([data])),
  )
  const report = { path, pids: [busy.pid, shell.pid, Number(sleeper.toString()), process.pid] }
  writeFileSync(join(process.env.REPORT_DIRECTORY ?? '', 'report.json'), JSON.stringify(report))
  if (process.env.HANGING_ENDS === 'failed') throw new Error('A test that fails')
  await new Promise(() => setInterval(() => {}, 1_000))
}, 600_000)
