// Counts what the reports of vitest in a folder came to, and names the slowest files. Fails where a test failed, and where a file of tests has none that passed.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const SLOWEST = 25
const [, , folder = ''] = process.argv
const reports = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
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
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = isGreen && left.length === 0 ? 0 : 1
