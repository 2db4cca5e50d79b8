// Counts what the reports of vitest in a folder came to. Fails where a test failed, and where a file of tests has none that passed.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

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
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = isGreen && left.length === 0 ? 0 : 1
