import { faults, jobs, live } from './faults.ts'
import { memory } from './memory.ts'
import { readOptions, USAGE } from './options.ts'
import type { Scenario } from './scenario.ts'

const SCENARIOS: ReadonlyMap<string, Scenario> = new Map([
  ['memory', memory],
  ['faults', faults],
  ['jobs', jobs],
  ['live', live],
])

/** Runs the scenarios one after another; the exit code says whether all of them passed. */
async function main(): Promise<number> {
  let options: ReturnType<typeof readOptions>
  try {
    options = readOptions(process.argv.slice(2), [...SCENARIOS.keys()], Math.floor(Math.random() * 2 ** 32))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`)
    return 2
  }
  const { only, seed, seconds } = options
  const databaseUrl = process.env.TEST_DATABASE_URL
  if (databaseUrl === undefined)
    print('TEST_DATABASE_URL is not set: the scenarios run on the embedded database alone.')
  let failed = 0
  for (const name of only) {
    print(`${name}: ${seconds} s with --seed ${seed}`)
    const report = await SCENARIOS.get(name)?.({ seed, seconds, databaseUrl })
    if (!report) continue
    for (const line of report.lines) print(`  ${line}`)
    for (const problem of report.problems) print(`  FAILED: ${problem}`)
    if (report.problems.length > 0) failed += 1
    else print('  passed')
  }
  return failed === 0 ? 0 : 1
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

process.exitCode = await main()
