import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keepInitialData, placeInitialData } from '../../server/db/initial-data.ts'
import { openPglite } from '../../server/db/pglite.ts'
import { readTar } from '../../server/db/tar.ts'
import { temporaryPath } from '../support/guarded.ts'

let root: string
let kept: string
beforeAll(async () => {
  root = await temporaryPath('initial')
  kept = join(root, 'kept')
  await mkdir(kept)
  await keepInitialData(kept)
})
afterAll(() => rm(root, { recursive: true }))

describe('a data directory of the one that was kept', () => {
  it('is opened and written like one that was made anew', async () => {
    const directory = join(root, 'used')
    expect(await placeInitialData(directory, kept)).toBe(true)
    const first = await PGlite.create(directory)
    await first.exec('create table held (id int primary key); insert into held values (7)')
    await first.close()
    const second = await PGlite.create(directory)
    expect((await second.query('select id from held')).rows).toEqual([{ id: 7 }])
    const anew = await PGlite.create()
    const tables = 'select count(*)::int as tables, version() from pg_class where oid < 16384'
    expect((await second.query(tables)).rows).toEqual((await anew.query(tables)).rows)
    await Promise.all([second.close(), anew.close()])
  })

  it('is closed to other users of the machine, each file of it', async () => {
    const directory = join(root, 'closed')
    await placeInitialData(directory, kept)
    const names = await readdir(directory, { recursive: true })
    const modes = await Promise.all(
      names.map(async (name) => (await stat(join(directory, name))).mode & 0o077),
    )
    expect(names.length).toBeGreaterThan(500)
    expect(new Set(modes)).toEqual(new Set([0]))
  })

  it('holds nothing of an attempt that was broken off', async () => {
    const directory = join(root, 'again')
    await mkdir(`${directory}.new`)
    await writeFile(join(`${directory}.new`, 'half'), '')
    await placeInitialData(directory, kept)
    expect(await readdir(directory)).not.toContain('half')
    expect(await readdir(root)).not.toContain('again.new')
  })

  it('is what databases in memory are copies of', async () => {
    const identity = async (initialData: string) => {
      const database = await openPglite({ initialData })
      const { rows } = await database.query({
        sql: 'select system_identifier::text from pg_control_system()',
        params: [],
      })
      await database.close()
      return rows[0]?.[0]
    }
    const copies = [await identity(kept), await identity(kept)]
    expect(copies[0]).toBe(copies[1])
    expect(await identity(root)).not.toBe(copies[0])
  })

  it('is not made where none was kept', async () => {
    expect(await placeInitialData(join(root, 'none'), root)).toBe(false)
    expect(await readdir(root)).not.toContain('none')
  })
})

describe('an archive', () => {
  const entry = (name: string, type: string, content = '') => {
    const header = Buffer.alloc(512)
    header.write(name, 0)
    header.write(content.length.toString(8).padStart(11, '0'), 124)
    header.write(type, 156)
    const body = Buffer.alloc(Math.ceil(content.length / 512) * 512)
    body.write(content)
    return Buffer.concat([header, body])
  }
  const read = (...entries: Buffer[]) =>
    [...readTar(Buffer.concat([...entries, Buffer.alloc(1_024)]))].map(({ path, content }) => [
      path,
      content && Buffer.from(content).toString(),
    ])

  it('is read with its directories and files, of any length', () => {
    const long = 'x'.repeat(513)
    expect(read(entry('base/', '5'), entry('base/1', '0', long), entry('empty', '0'))).toEqual([
      ['base/', undefined],
      ['base/1', long],
      ['empty', ''],
    ])
  })

  it.each([
    ['a path that leads out of it', entry('base/../../.bashrc', '0', 'x')],
    ['a link', entry('base', '2')],
  ])('with %s is refused', (_what, bad) => {
    expect(() => read(entry('first', '0', 'x'), bad)).toThrow('An archive has')
  })
})
