import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { guarded, temporaryDirectory } from '../support/guarded.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const STAGES = ['install', 'check', 'build', 'demo', 'tests', 'bare'] as const

type Stage = (typeof STAGES)[number]

/** Stands for npm: says what it was asked for, fails at a stage, and writes what the tests came to. */
const NPM = `#!/usr/bin/env bash
case "$*" in
  ci*) stage=install ;;
  test*) stage=tests ;;
  *without-example) stage=bare ;;
  *) stage=$2 ;;
esac
for argument; do
  case "$argument" in --outputFile=*)
    [ "$PASSED" = none ] || echo "{\\"numPassedTests\\":$PASSED,\\"numFailedTests\\":0,\\"success\\":true}" >"\${argument#*=}" ;;
  esac
done
[ "$stage" != "$FAILS_AT" ]
`
const NOTHING = '#!/usr/bin/env bash\n'
/** What the run needs of the machine, and must not touch from a test. */
const STAND_INS = {
  npm: NPM,
  psql: NOTHING,
  'apt-get': NOTHING,
  su: NOTHING,
  ls: '#!/usr/bin/env bash\necho /usr/lib/postgresql/0/bin\n',
}

async function runStages(failsAt: Stage | 'none', passed: '3' | '0' | 'none' = '3') {
  await using directory = await temporaryDirectory('ci-run')
  for (const [name, script] of Object.entries(STAND_INS)) {
    await writeFile(join(directory.path, name), script, { mode: 0o755 })
  }
  const path = `${directory.path}:${process.env.PATH}`
  const child = guarded(
    spawn('bash', [join(ROOT, '.ci/run')], {
      env: { PATH: path, FAILS_AT: failsAt, PASSED: passed, TMPDIR: directory.path },
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  )
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return { code, table: output.slice(output.indexOf('Minutes\n')) }
}

describe('.ci/run', () => {
  it('succeeds, and ends with the minutes of each stage', async () => {
    const { code, table } = await runStages('none')
    expect(table).toMatch(
      /^Minutes\n {2}install +\d+\.\d\n {2}check +\d+\.\d\n {2}build +\d+\.\d\n {2}demo +\d+\.\d\n {2}tests +\d+\.\d\n {2}bare +\d+\.\d\n$/,
    )
    expect(code).toBe(0)
  })

  it.each(STAGES)('fails with the stage "%s", and says how long it took to get there', async (stage) => {
    const { code, table } = await runStages(stage)
    const reached = STAGES.slice(0, STAGES.indexOf(stage) + 1)
    const lines = table.trimEnd().split('\n').slice(1)
    expect(lines.map((line) => line.trim().replace(/ +\d+\.\d/, ''))).toEqual(
      reached.map((name) => (name === stage ? `${name}  failed` : name)),
    )
    expect(code).toBeGreaterThan(0)
  })

  it.each(['0', 'none'] as const)('fails where the tests that passed are %s', async (passed) => {
    const { code, table } = await runStages('none', passed)
    expect(table).toMatch(/ tests +\d+\.\d {2}failed\n$/)
    expect(code).toBeGreaterThan(0)
  })
})
