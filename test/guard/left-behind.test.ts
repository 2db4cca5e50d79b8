import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { guarded, temporaryDirectory } from '../support/guarded.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const PATIENCE = { timeout: 100_000, interval: 50 }

interface Report {
  readonly path: string
  readonly pids: readonly number[]
}

/** Runs vitest on a test that has children and never ends, and waits until it has them. */
async function startRun(directory: string, ends: 'never' | 'failed') {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
  const child = guarded(
    spawn(process.execPath, [vitest, 'run', '--config', 'test/guard/hanging.config.ts'], {
      cwd: ROOT,
      env: { PATH: process.env.PATH, REPORT_DIRECTORY: directory, HANGING_ENDS: ends },
      stdio: 'ignore',
    }),
  )
  const gone = once(child, 'exit')
  const report = await vi.waitFor(
    async (): Promise<Report> => JSON.parse(await readFile(join(directory, 'report.json'), 'utf8')),
    PATIENCE,
  )
  return { child, gone, report }
}

/** Whether it runs; what nobody has asked for its end yet does not. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat !== '' && !/^\d+ \(.*\) [ZX]/.test(stat)
}

async function expectNothingLeft({ pids, path }: Report): Promise<void> {
  await vi.waitFor(async () => {
    const alive = await Promise.all(pids.map(isAlive))
    expect(pids.filter((_, at) => alive[at])).toEqual([])
    await expect(access(path)).rejects.toThrow('ENOENT')
  }, PATIENCE)
}

describe.runIf(process.platform === 'linux')('a run of tests leaves no process and no directory', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)(
    'when %s ends it in the midst',
    async (signal) => {
      await using directory = await temporaryDirectory('guard')
      const { child, gone, report } = await startRun(directory.path, 'never')
      expect(await Promise.all(report.pids.map(isAlive))).toEqual([true, true, true, true])
      child.kill(signal)
      await gone
      await expectNothingLeft(report)
    },
    120_000,
  )

  it('when a test fails', async () => {
    await using directory = await temporaryDirectory('guard')
    const { gone, report } = await startRun(directory.path, 'failed')
    await gone
    await expectNothingLeft(report)
  }, 240_000)
})

it('no test starts a process but guarded', async () => {
  const files = (await readdir(join(ROOT, 'test'), { recursive: true })).filter((name) =>
    name.endsWith('.ts'),
  )
  let starts = 0
  for (const name of files) {
    const text = await readFile(join(ROOT, 'test', name), 'utf8')
    if (name === 'support/guarded.ts' || !text.includes("'node:child_process'")) continue
    for (const match of text.matchAll(/(?<![\w.])(?:spawn|fork|exec|execFile)\(/g)) {
      starts += 1
      expect(text.slice(0, match.index), `${name}: ${match[0]}`).toMatch(/guarded\(\s*$/)
    }
    expect(text, name).not.toMatch(/promisify\(exec/)
  }
  expect(starts).toBeGreaterThan(8)
})
