import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { HTTP_STATUS } from '../../server/core/errors.ts'
import { SqlError } from '../../server/db/database.ts'
import { mapDatabaseError, mapEngineError, NO_FIELDS } from '../../server/db/sqlstate.ts'
import { SQLSTATE_CLASSES } from '../../server/db/sqlstate-classes.ts'
import { ANSWERS, answerTo, SQLSTATES } from './sqlstates.ts'

const mapped = (sqlstate: string) => mapDatabaseError(new SqlError({ sqlstate }), NO_FIELDS)
const codeOf = (answer: ReturnType<typeof mapped>) =>
  answer?.kind === 'failure' ? answer.failure.code : answer && 'again'

it('every SQLSTATE of PostgreSQL is of a class that has an answer', () => {
  const known = new Set(SQLSTATE_CLASSES.map(({ code }) => code))
  expect(known.size).toBe(SQLSTATE_CLASSES.length)
  expect([...new Set(SQLSTATES.map((sqlstate) => sqlstate.slice(0, 2)))].sort()).toEqual([...known].sort())
  for (const { code, except = {} } of SQLSTATE_CLASSES) {
    for (const exception of Object.keys(except)) {
      expect(exception.startsWith(code)).toBe(true)
      expect(SQLSTATES).toContain(exception)
    }
  }
})

it.each(SQLSTATES)('%s is answered as the table says', (sqlstate) => {
  expect(codeOf(mapped(sqlstate))).toBe(answerTo(sqlstate))
})

it('a class that PostgreSQL does not have was raised by a function of the app: 400, without its message', () => {
  for (const sqlstate of ['AB123', 'PT400', '99999', 'TS001'])
    expect(mapDatabaseError(new SqlError({ sqlstate, message: 'secret' }), NO_FIELDS)).toMatchObject({
      failure: { code: 'BAD_REQUEST', error: expect.not.stringContaining('secret') },
    })
})

it('in a statement of the engine only what passes by itself has an answer; the rest is a bug', () => {
  for (const sqlstate of SQLSTATES) {
    const answer = answerTo(sqlstate)
    const passes = ['again', 'SERVICE_UNAVAILABLE', 'GATEWAY_TIMEOUT'].includes(answer)
    expect([sqlstate, codeOf(mapEngineError(new SqlError({ sqlstate })))]).toEqual([
      sqlstate,
      passes ? answer : undefined,
    ])
  }
})

it('docs/database-errors.md has a row for every class, with its answer and every exception', async () => {
  const text = await readFile(new URL('../../docs/database-errors.md', import.meta.url), 'utf8')
  const words = (answer: string) =>
    answer === 'again' ? 'run again' : String(HTTP_STATUS[answer as keyof typeof HTTP_STATUS])
  for (const { code, name, why, except = {} } of SQLSTATE_CLASSES) {
    const others = Object.keys(except).map((sqlstate) => `${sqlstate}: ${words(answerTo(sqlstate))}`)
    const row = [`${code} ${name}`, words(ANSWERS[code] ?? ''), others.join(', '), why]
    expect(text).toContain(`| ${row.join(' | ')} |`.replace('|  |', '| |'))
  }
})
