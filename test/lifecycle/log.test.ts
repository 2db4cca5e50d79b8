import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createLog } from '../../server/lifecycle/log.ts'
import { temporaryPath } from '../support/guarded.ts'
import { ON_SOURCES } from '../support/on-sources.ts'

async function newFile(): Promise<string> {
  return join(await temporaryPath('log'), 'log')
}

async function messages(file: string): Promise<unknown[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line).msg)
}

describe('the log', () => {
  it('is written by the end of the turn, in order, whatever its size', async () => {
    const file = await newFile()
    const log = createLog({ level: 'info', destination: file })
    const all = Array.from({ length: 200 }, (_, number) => `${number} ${'ä'.repeat(500)}`)
    for (const message of all) log.info(message)
    await setImmediate()
    expect(await messages(file)).toEqual(all)
    log.info('another turn')
    await setImmediate()
    expect(await messages(file)).toEqual([...all, 'another turn'])
  })

  it.each([
    ['the process ends at once', 'process.exit(0)'],
    ['nobody caught what was thrown', "throw new Error('a test')"],
  ])('has its last line when %s', async (_title, ending) => {
    const file = await newFile()
    const module = pathToFileURL(join(import.meta.dirname, '../../server/lifecycle/log.ts')).href
    const program = `
      import { createLog } from ${JSON.stringify(module)}
      createLog({ level: 'info', destination: ${JSON.stringify(file)} }).info('the last')
      ${ending}`
    spawnSync(process.execPath, [...ON_SOURCES, '--input-type=module', '-e', program])
    expect(await messages(file)).toEqual(['the last'])
  })

  it('is printed for a person, with what is of use to one', () => {
    const module = pathToFileURL(join(import.meta.dirname, '../../server/lifecycle/log.ts')).href
    const program = `
      import { createLog, loadPrinter } from ${JSON.stringify(module)}
      const log = createLog({ level: 'info', printer: await loadPrinter() })
      log.info({ requestId: 'r1', invocationId: 'i1', action: 'createEvent', actor: 'ada', code: 'OK', durationMs: 4 }, 'Call')
      log.info({ requestId: 'r2', method: 'GET', route: '/mail', status: 202, durationMs: 5 }, 'Route')
      log.error({ err: new Error('outer', { cause: new Error('the inner cause') }) }, 'A call failed')`
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [...ON_SOURCES, '--input-type=module', '-e', program],
      { encoding: 'utf8' },
    )
    expect(stderr).toBe('')
    const [call = '', route = '', ...error] = stripVTControlCharacters(stdout).split('\n')
    expect(call).toMatch(/^\[\d\d:\d\d:\d\d\] INFO: Call createEvent: OK in 4 ms /)
    expect(call).toContain('"requestId":"r1","action":"createEvent","actor":"ada"')
    expect(route).toContain('Route GET /mail: 202 in 5 ms')
    expect(error.join('\n')).toContain('the inner cause')
  })
})
