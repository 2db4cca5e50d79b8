// Counts what the reports of vitest in a folder came to, names the slowest files, and says again what failed, also in the
// reports of its folder `nodes`, which are not counted. Fails where a test failed, and where a file of tests has none that passed.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const SLOWEST = 25
const [, , folder = ''] = process.argv
/** The reports in a folder, if it is there. */
const reportsIn = (path) => {
  const names = existsSync(path) ? readdirSync(path).filter((name) => name.endsWith('.json')) : []
  return names.map((name) => ({ name, ...JSON.parse(readFileSync(join(path, name), 'utf8')) }))
}
const reports = reportsIn(folder)
const sum = (count) => reports.reduce((total, report) => total + report[count], 0)
const [passed, failed] = [sum('numPassedTests'), sum('numFailedTests')]

const files = readdirSync('test', { recursive: true }).filter((file) => file.endsWith('.test.ts'))
const results = reports.flatMap(({ testResults }) => testResults)
const ran = results.filter(({ assertionResults }) =>
  assertionResults.some(({ status }) => status === 'passed'),
)
const left = files.filter((file) => !ran.some(({ name }) => name.endsWith(`/test/${file}`)))

const isGreen = passed > 0 && reports.every(({ success }) => success)
// Where a test failed, what comes after it was not run.
if (isGreen) for (const file of left) process.stdout.write(`No test passed in test/${file}\n`)
const slowest = results
  .map(({ name, startTime, endTime }) => ({
    name: name.replace(/^.*?\/test\//, 'test/'),
    ms: endTime - startTime,
  }))
  .sort((a, b) => b.ms - a.ms)
const seconds = (ms) => `${Math.round(ms / 1_000)} s`
process.stdout.write(
  `The slowest files, of ${seconds(slowest.reduce((total, { ms }) => total + ms, 0))} in all\n`,
)
for (const { name, ms } of slowest.slice(0, SLOWEST))
  process.stdout.write(`  ${seconds(ms).padStart(6)}  ${name}\n`)
for (const { name: report, testResults } of [...reportsIn(join(folder, 'nodes')), ...reports])
  for (const { name, status, message = '', assertionResults } of testResults) {
    const told = assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => [fullName, failureMessages?.[0] ?? ''])
    // A file that fails before its first test has none that failed.
    if (status === 'failed' && told.length === 0) told.push(['the file itself', message])
    for (const [test, error] of told) {
      const said = error.split('\n', 3).join(' ').replace(/ +/g, ' ').slice(0, 400)
      process.stdout.write(`Failed (${report}): ${name.replace(/^.*?\/test\//, 'test/')}: ${test}: ${said}\n`)
    }
  }
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = isGreen && left.length === 0 ? 0 : 1
