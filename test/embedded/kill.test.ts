import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, expect, it } from 'vitest'
import { openDatabase } from '../../server/lifecycle/open-database.ts'
import { dataDirectory } from '../support/data-directory.ts'
import { guarded } from '../support/guarded.ts'
import { programOf } from '../support/programs.ts'
import { shortened } from '../support/shortened.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'

const ROUNDS = shortened({ short: 8, whole: 20 })
/** How much longer each round writes: the last one to the same number in either. */
const STEP = 133 / (ROUNDS - 1)

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function startWriter(directory: string, round: number) {
  const child = guarded(
    spawn(process.execPath, [...(await programOf('writer')), directory, String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  children.push(child)
  return { child, lines: createInterface({ input: child.stdout }) }
}

const open = (directory: string) =>
  openDatabase({ databaseUrl: undefined, directory, migrations: MIGRATIONS, tables: TABLES })

it('every write that was acknowledged is there after kill -9, and none by half', {
  timeout: 240_000,
}, async () => {
  await using data = await dataDirectory()
  const directory = data.path
  const acknowledged: string[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const { child, lines } = await startWriter(directory, round)
    const gone = once(child, 'exit')
    let written = 0
    // Killed at another moment in every round, in the midst of writing; what it says after that counts as well.
    for await (const line of lines) {
      if (line.startsWith('failed')) throw new Error(line)
      if (!line.startsWith('wrote ')) continue
      acknowledged.push(line.slice('wrote '.length))
      written += 1
      if (written === 10 + Math.round(STEP * round)) child.kill('SIGKILL')
    }
    await gone
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(ROUNDS * 10)

  const database = await open(directory)
  const { rows } = await database.query({
    sql: 'select name, count(*)::int from users group by name',
    params: [],
  })
  await database.close()
  const found = new Map(rows.map(([name, halves]) => [String(name), halves]))
  expect(acknowledged.filter((id) => !found.has(id))).toEqual([])
  expect([...found].filter(([, halves]) => halves !== 2)).toEqual([])
})

it('a second opener is refused while the first has the directory, and let in when it was killed', {
  timeout: 60_000,
}, async () => {
  await using data = await dataDirectory()
  const directory = data.path
  const first = await startWriter(directory, 0)
  await once(first.lines, 'line')
  await expect(open(directory)).rejects.toThrow(`"${directory}" is in use by another Deputy process`)

  const second = await startWriter(directory, 1)
  const [line] = await once(second.lines, 'line')
  expect(line).toMatch(/^failed .*is in use by another Deputy process/)

  const gone = once(first.child, 'exit')
  first.child.kill('SIGKILL')
  await gone
  const database = await open(directory)
  expect(await database.ping(5_000)).toBe(true)
  await expect(open(directory)).rejects.toThrow('in use')
  await database.close()
})
