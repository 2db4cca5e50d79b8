// Measures Deputy against the same calls written by hand: `npm run bench`. docs/benchmarks.md says how to read it.

import { buildPrograms } from './build.ts'
import { adminUrl } from './database.ts'
import { measureEchoByWrk } from './echo-by-wrk.ts'
import { FIGURES } from './figures.ts'
import { measureFloor } from './floor.ts'
import { describeMachine } from './machine.ts'
import { openBench } from './open-bench.ts'
import { type BenchOptions, readOptions, USAGE } from './options.ts'
import { formatReport, type Report } from './report.ts'
import { runWork } from './run-work.ts'
import { CONNECTIONS } from './works/against-baseline.ts'
import { WORKS } from './works/all.ts'

const FLOOR = 'floor'
const WRK = 'wrk'
const tell = (line: string) => process.stderr.write(`${line}\n`)

function parse(args: readonly string[]): BenchOptions | undefined {
  try {
    return readOptions(args, [...WORKS.map(({ name }) => name), WRK, FLOOR, ...FIGURES.keys()])
  } catch (error) {
    tell(`${error instanceof Error ? error.message : error}\n${USAGE}`)
    return undefined
  }
}

async function measure(options: BenchOptions, signal: AbortSignal): Promise<Report> {
  const { rounds, seconds, only } = options
  const isWanted = (name: string) => only.length === 0 || only.includes(name)
  const admin = adminUrl(process.env)
  tell('Building')
  await buildPrograms()
  await using bench = await openBench({ ...options, adminUrl: admin })
  const { load, upstream, baseline, deputy, tokens } = bench
  const works = []
  for (const { name, title, open } of WORKS.filter((work) => isWanted(work.name))) {
    tell(title)
    const work = await open(bench)
    try {
      const result = await runWork(work, { load, upstream, rounds, seconds, signal, tell })
      works.push({ name, title, ...result })
    } finally {
      await work.close?.()
    }
  }
  const wrk = isWanted(WRK) ? await measureEchoByWrk(bench, { rounds, seconds }) : undefined
  const floor = isWanted(FLOOR) ? await measureFloor(baseline.database.url, CONNECTIONS, seconds) : undefined
  const figures = []
  for (const [name, take] of FIGURES) {
    if (!isWanted(name)) continue
    signal.throwIfAborted()
    const taken = await take({
      adminUrl: admin,
      tokens,
      deputyPid: deputy.pid,
      times: rounds,
      overloadSeconds: options.overloadSeconds,
    })
    figures.push(...[taken].flat())
  }
  return { machine: await describeMachine(admin), works, wrk, floor, figures }
}

const options = parse(process.argv.slice(2))
if (options) {
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort(new Error('Interrupted')))
  const report = await measure(options, interrupted.signal)
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : formatReport(report))
  if (report.works.some(({ problems }) => problems.length > 0)) process.exitCode = 1
} else process.exitCode = 2
