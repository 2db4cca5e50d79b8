import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type DirectoryLock, lockDirectory } from '../../server/db/directory-lock.ts'
import { guarded, temporaryPath } from '../support/guarded.ts'
import { ON_SOURCES } from '../support/on-sources.ts'

const root = await temporaryPath('lock')
afterAll(() => rm(root, { recursive: true }))

let serial = 0
function newDir(): string {
  serial += 1
  return join(root, String(serial))
}

const module = new URL('../../server/db/directory-lock.ts', import.meta.url).href

/** Takes the lock on every line of its input, so that many can be ready before any begins. */
const SCRIPT = `
  import { createInterface } from 'node:readline'
  import { lockDirectory } from ${JSON.stringify(module)}
  process.stdout.write('ready\\n')
  for await (const dir of createInterface({ input: process.stdin })) {
    await lockDirectory(dir).then(
      () => process.stdout.write('held\\n'),
      (error) => process.stdout.write('refused ' + error.message + '\\n'),
    )
  }`

class Opener {
  readonly #child: ChildProcess
  readonly #lines: string[] = []

  constructor() {
    this.#child = guarded(
      spawn(process.execPath, [...ON_SOURCES, '--input-type=module', '--eval', SCRIPT], {
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    )
    let rest = ''
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop() ?? ''
      this.#lines.push(...parts)
      this.#child.emit('line')
    })
  }

  async line(): Promise<string> {
    while (this.#lines.length === 0) await once(this.#child, 'line')
    return this.#lines.shift() ?? ''
  }

  async lock(dir: string): Promise<string> {
    this.#child.stdin?.write(`${dir}\n`)
    return this.line()
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(name)
  }

  async kill(): Promise<void> {
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }
}

async function startOpener(): Promise<Opener> {
  const opener = new Opener()
  expect(await opener.line()).toBe('ready')
  return opener
}

const locked = (results: readonly PromiseSettledResult<DirectoryLock>[]) =>
  results.filter((result) => result.status === 'fulfilled').map((result) => result.value)

describe('in one process', () => {
  test('a second opener is refused with what to do', async () => {
    const dir = newDir()
    const lock = await lockDirectory(dir)
    await expect(lockDirectory(dir)).rejects.toThrow(
      `The directory "${dir}" is in use by another Deputy process: ${process.pid} on this machine, or in its container. Stop that process first, or choose another directory for this one.`,
    )
    await expect(lockDirectory(dir)).rejects.toThrow('in use')
    await lock.release()
  })

  test('a released directory can be locked again, and is left clean', async () => {
    const dir = newDir()
    for (let round = 0; round < 3; round += 1) await (await lockDirectory(dir)).release()
    expect(await readdir(dir)).toEqual([])
  })

  test('a second release does not touch the next holder', async () => {
    const dir = newDir()
    const first = await lockDirectory(dir)
    await first.release()
    const second = await lockDirectory(dir)
    await first.release()
    await expect(lockDirectory(dir)).rejects.toThrow('in use')
    await second.release()
  })

  test('a refused opener leaves nothing behind', async () => {
    const dir = newDir()
    const lock = await lockDirectory(dir)
    const before = await readdir(dir)
    await expect(lockDirectory(dir)).rejects.toThrow('in use')
    expect(await readdir(dir)).toEqual(before)
    await lock.release()
  })

  test('the same directory by another path is the same lock', async () => {
    const dir = newDir()
    const lock = await lockDirectory(dir)
    await symlink(dir, `${dir}-link`)
    await expect(lockDirectory(`${dir}-link`)).rejects.toThrow('in use')
    await lock.release()
  })

  test('of thirty openers at once exactly one wins, ten times over', async () => {
    const dir = newDir()
    for (let round = 0; round < 10; round += 1) {
      const results = await Promise.allSettled(Array.from({ length: 30 }, () => lockDirectory(dir)))
      const winners = locked(results)
      expect(winners).toHaveLength(1)
      await winners[0]?.release()
    }
    expect(await readdir(dir)).toEqual([])
  })

  test('a file that stands where a socket was counts as dead', async () => {
    const dir = newDir()
    await (await lockDirectory(dir)).release()
    await writeFile(join(dir, 'lock-000000000000.sock'), '')
    await (await lockDirectory(dir)).release()
    expect(await readdir(dir)).toEqual([])
  })

  test('a holder that accepts but says nothing is still a holder', async () => {
    const dir = newDir()
    await (await lockDirectory(dir)).release()
    const silent = createServer(() => {})
    silent.listen(join(dir, 'lock-ffffffffffff.sock'))
    await once(silent, 'listening')
    await expect(lockDirectory(dir)).rejects.toThrow('in use')
    silent.close()
  })
})

test('a holder that hangs up because it is leaving does not keep the next one out', async () => {
  const dir = newDir()
  await (await lockDirectory(dir)).release()
  const leaving = createServer((socket) => {
    socket.end()
    leaving.close()
  })
  leaving.listen(join(dir, 'lock-000000000000.sock'))
  await once(leaving, 'listening')
  await (await lockDirectory(dir)).release()
  expect(await readdir(dir)).toEqual([])
})

test('an opener that was too slow to answer once, and gives up, does not keep the other out', async () => {
  const dir = newDir()
  await (await lockDirectory(dir)).release()
  let asked = 0
  const slow = createServer((socket) => {
    asked += 1
    if (asked === 1) return
    socket.end()
    slow.close()
  })
  slow.listen(join(dir, 'lock-000000000000.sock'))
  await once(slow, 'listening')
  await (await lockDirectory(dir)).release()
  expect(asked).toBe(2)
})

describe('a long path', () => {
  test('is refused with the reason', async () => {
    const dir = join(newDir(), 'x'.repeat(120))
    await expect(lockDirectory(dir)).rejects.toThrow('bytes too long for a unix socket')
    expect(await readdir(dir)).toEqual([])
  })

  test('is locked from nearby, where its relative path is short enough', async () => {
    const deep = join(root, 'y'.repeat(60), 'z'.repeat(40))
    await expect(lockDirectory(deep)).rejects.toThrow('too long')
    const script = `
      import { lockDirectory } from ${JSON.stringify(module)}
      process.chdir(${JSON.stringify(deep)})
      const lock = await lockDirectory(${JSON.stringify(deep)})
      await lockDirectory(${JSON.stringify(deep)}).catch((error) => process.stdout.write(error.message))
      await lock.release()`
    const child = guarded(spawn(process.execPath, [...ON_SOURCES, '--input-type=module', '--eval', script]))
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
    const [code] = await once(child, 'close')
    expect(code).toBe(0)
    expect(output).toContain('in use')
    expect(await readdir(deep)).toEqual([])
  })
})

test('a directory that cannot be written is refused with the reason', async () => {
  const file = newDir()
  await writeFile(file, '')
  await expect(lockDirectory(join(file, 'data'))).rejects.toThrow('ENOTDIR')
})

describe('between processes', () => {
  test('a second process is refused while the first lives, and let in once it was killed', async () => {
    const dir = newDir()
    const [first, second] = await Promise.all([startOpener(), startOpener()])
    expect(await first.lock(dir)).toBe('held')
    expect(await second.lock(dir)).toContain('in use')
    await expect(lockDirectory(dir)).rejects.toThrow('in use')

    await first.kill()
    expect(await readdir(dir)).toHaveLength(1)
    expect(await second.lock(dir)).toBe('held')
    await expect(lockDirectory(dir)).rejects.toThrow('in use')
    expect(await readdir(dir)).toHaveLength(1)
    await second.kill()
    await (await lockDirectory(dir)).release()
    expect(await readdir(dir)).toEqual([])
  })

  test('a stopped process still holds its lock', async () => {
    const dir = newDir()
    const holder = await startOpener()
    expect(await holder.lock(dir)).toBe('held')
    holder.signal('SIGSTOP')
    await expect(lockDirectory(dir)).rejects.toThrow('in use')
    holder.signal('SIGCONT')
    await holder.kill()
  })

  test('of eight processes over what a killed one left, exactly one wins', async () => {
    const openers = await Promise.all(Array.from({ length: 8 }, startOpener))
    let stale = await startOpener()
    for (let round = 0; round < 5; round += 1) {
      const dir = newDir()
      expect(await stale.lock(dir)).toBe('held')
      await stale.kill()
      stale = await startOpener()
      const answers = await Promise.all(openers.map((opener) => opener.lock(dir)))
      expect(answers.filter((answer) => answer === 'held')).toHaveLength(1)
      expect(answers.filter((answer) => answer.includes('in use'))).toHaveLength(7)
    }
    await Promise.all([...openers, stale].map((opener) => opener.kill()))
  })
})
