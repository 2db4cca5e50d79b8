import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { isApp } from '../../server/cli/repository/app-paths.ts'
import { guarded, temporaryDirectory } from '../support/guarded.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const STAGES = ['install', 'check', 'build', 'demo', 'nodes', 'example', 'engine'] as const

/** After which the tests of the next stage are run all the same. */
const TESTING = ['nodes', 'example'] as const

type Stage = (typeof STAGES)[number]

/** All tests there are, as vitest would find them. */
const FILES = (await readdir(join(ROOT, 'test'), { recursive: true }))
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => `test/${file}`)

/**
 * Stands for npm: fails at a stage, and reports the tests that vitest would run: here those that it is given a part of
 * the name of, and in the copy the engine's.
 */
const NPM = `#!/usr/bin/env bash
parts=()
for argument; do
  case "$argument" in
    # What is installed has files of its own.
    */node-2?) mkdir -p "$argument/node_modules/node" && echo '{}' >"$argument/node_modules/node/package.json" ;;
    --outputFile=*) report=\${argument#*=} ;;
    test/*) parts+=(-e "$argument") ;;
  esac
done
case "$*" in
  ci*) stage=install ;;
  test*) stage=example files=$(grep -F "\${parts[@]}" "$FILES/all") ;;
  *without-example*) stage=engine files=$(cat "$FILES/engine") ;;
  *) stage=$2 ;;
esac
if [ -n "\${report:-}" ] && [ "$PASSED" != none ]; then
  results=$(sed 's|.*|{"name":"/copy/&","startTime":0,"endTime":2000,"assertionResults":[{"status":"passed"}]}|' <<<"$files" | paste -sd ,)
  if [ "$stage" = "$FAILS_AT" ]; then results=$FAILURE; fi
  echo "{\\"numPassedTests\\":$PASSED,\\"numFailedTests\\":0,\\"success\\":true,\\"testResults\\":[$results]}" >"$report"
fi
[ "$stage" != "$INTERRUPTED_AT" ] || kill -INT "$PPID"
[ "$stage" != "$FAILS_AT" ]
`
/** What the report of a failing stage has. */
const FAILURE = JSON.stringify({
  name: '/copy/test/some.test.ts',
  status: 'failed',
  assertionResults: [{ status: 'failed', fullName: 'it works', failureMessages: ['Not so\n    at line 1'] }],
})
const NOTHING = '#!/usr/bin/env bash\n'
/** What the run needs of the machine, and must not touch from a test. */
const STAND_INS = {
  npm: NPM,
  psql: NOTHING,
  'apt-get': NOTHING,
  su: NOTHING,
  ls: '#!/usr/bin/env bash\necho /usr/lib/postgresql/0/bin\n',
}

interface Run {
  readonly failsAt?: Stage
  /** Where someone presses Ctrl-C, of which npm makes a failure. */
  readonly isInterrupted?: boolean
  /** How many tests each report says have passed. */
  readonly passed?: '3' | '0' | 'none'
  /** A file that the copy does not run. */
  readonly without?: string
}

async function runStages({ failsAt, isInterrupted, passed = '3', without }: Run = {}) {
  await using directory = await temporaryDirectory('ci-run')
  for (const [name, script] of Object.entries(STAND_INS)) {
    await writeFile(join(directory.path, name), script, { mode: 0o755 })
  }
  const ofEngine = FILES.filter((file) => !isApp(file) && file !== without)
  await writeFile(join(directory.path, 'all'), FILES.join('\n'))
  await writeFile(join(directory.path, 'engine'), ofEngine.join('\n'))
  const path = `${directory.path}:${process.env.PATH}`
  const child = guarded(
    spawn('bash', [join(ROOT, '.ci/run')], {
      env: {
        PATH: path,
        FAILS_AT: failsAt ?? 'none',
        INTERRUPTED_AT: (isInterrupted && failsAt) || 'none',
        PASSED: passed,
        FILES: directory.path,
        FAILURE,
        TMPDIR: directory.path,
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  )
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  const end = output.indexOf('Minutes\n')
  const [, said = '', slowest = '', sum = ''] =
    /^(.*?)(The slowest files[^\n]*\n(?: [^\n]*\n)*)?((?:Failed[^\n]*\n)*\d+ passed[^\n]*\n)$/s.exec(
      output.slice(0, end),
    ) ?? []
  return { code, said: said + sum, slowest, table: output.slice(end) }
}

/** The stages of the table, each with what is said of it beside its minutes. */
function linesOf(table: string): string[] {
  const lines = table.trimEnd().split('\n').slice(1)
  return lines.map((line) => line.trim().replace(/ +\d+\.\d/, ''))
}

describe('.ci/run', () => {
  it('succeeds, and ends with what all tests came to and the minutes of each stage', async () => {
    const { code, said, slowest, table } = await runStages()
    const [head, ...files] = slowest.trimEnd().split('\n')
    expect(head).toMatch(/^The slowest files, of \d{3,} s in all$/)
    expect(files).toHaveLength(25)
    expect(files.filter((file) => !/^ {5}2 s {2}test\/\S+\.test\.ts$/.test(file))).toEqual([])
    expect(said).toBe('6 passed, 0 failed\n')
    expect(table).toMatch(
      /^Minutes\n {2}install +\d+\.\d\n {2}check +\d+\.\d\n {2}build +\d+\.\d\n {2}demo +\d+\.\d\n {2}nodes +\d+\.\d\n {2}example +\d+\.\d\n {2}engine +\d+\.\d\n$/,
    )
    expect(code).toBe(0)
  })

  it.each(TESTING)(
    'runs the tests that follow where one of "%s" fails, and fails all the same',
    async (stage) => {
      const { code, said, table } = await runStages({ failsAt: stage })
      const commands = said.split('\n').filter((line) => line.startsWith(`Failed in ${stage}: npm `))
      expect(commands).toHaveLength(stage === 'nodes' ? 2 : 1)
      expect(said).toMatch(/^Failed \(.*json\): test\/some\.test\.ts: it works: Not so at line 1$/m)
      expect(said).toMatch(/\n6 passed, 0 failed\n$/)
      expect(linesOf(table)).toEqual(STAGES.map((name) => (name === stage ? `${name}  failed` : name)))
      expect(code).toBe(1)
    },
  )

  it.each(TESTING)('ends where it is interrupted while "%s" is run', async (failsAt) => {
    const { code, table } = await runStages({ failsAt, isInterrupted: true })
    expect(linesOf(table).at(-1)).toBe(`${failsAt}  failed`)
    expect(code).toBeGreaterThan(0)
  })

  it.each(STAGES.filter((stage) => !TESTING.some((each) => each === stage)))(
    'fails with the stage "%s", and says how long it took to get there',
    async (stage) => {
      const { code, table } = await runStages({ failsAt: stage })
      const reached = STAGES.slice(0, STAGES.indexOf(stage) + 1)
      expect(linesOf(table)).toEqual(reached.map((name) => (name === stage ? `${name}  failed` : name)))
      expect(code).toBeGreaterThan(0)
    },
  )

  it.each(['0', 'none'] as const)('fails where the tests that passed are %s', async (passed) => {
    const { code, table } = await runStages({ passed })
    expect(table).toMatch(/ engine +\d+\.\d {2}failed\n$/)
    expect(code).toBeGreaterThan(0)
  })

  it('fails where a file of tests is run neither with the example nor without it, and names it', async () => {
    const { code, said } = await runStages({ without: 'test/guard/ci-run.test.ts' })
    expect(said).toBe('No test passed in test/guard/ci-run.test.ts\n6 passed, 0 failed\n')
    expect(code).toBe(1)
  })
})
