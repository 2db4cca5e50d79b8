import { spawn } from 'node:child_process'
import { chown, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { guarded, guardPid, temporaryPath } from '../support/guarded.ts'

const BINARIES = '/usr/lib/postgresql'

/** Makes a PostgreSQL server of the test's own, which it may stop; gone when disposed. @throws {Error} without its programs */
export async function startCluster() {
  const [version] = await readdir(BINARIES).catch(() => [])
  if (version === undefined) throw new Error(`This test needs PostgreSQL's programs in ${BINARIES}/*/bin`)
  const bin = (name: string) => join(BINARIES, version, 'bin', name)
  const directory = await temporaryPath('cluster')
  const data = join(directory, 'data')
  const port = await freePort()
  // PostgreSQL refuses to run as root.
  const isRoot = process.getuid?.() === 0
  if (isRoot) await chown(directory, await idOf('-u'), await idOf('-g'))
  const command = (program: string, ...args: readonly string[]) =>
    isRoot ? run('runuser', ['-u', 'postgres', '--', program, ...args]) : run(program, args)
  await command(bin('initdb'), '-D', data, '-A', 'trust', '-U', 'postgres', '--no-sync')
  const options = `-p ${port} -k ${directory} -c listen_addresses=127.0.0.1,::1 -c fsync=off`
  let release = () => {}
  const start = async () => {
    await command(bin('pg_ctl'), '-D', data, '-w', '-l', join(directory, 'log'), '-o', options, 'start')
    const [pid] = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')
    release = guardPid(Number(pid))
  }
  const stop = async () => {
    await command(bin('pg_ctl'), '-D', data, '-w', '-m', 'immediate', 'stop')
    release()
  }
  await start()
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    start,
    /** As a crash would: without a word to those who are connected. */
    stop,
    /** Starts it again as a standby, which follows nobody and takes no writes. */
    async demote() {
      await stop()
      const signal = join(data, 'standby.signal')
      await writeFile(signal, '')
      if (isRoot) await chown(signal, await idOf('-u'), await idOf('-g'))
      await start()
    },
    /** Makes a standby take writes. */
    promote: () => command(bin('pg_ctl'), '-D', data, '-w', 'promote'),
    async [Symbol.asyncDispose]() {
      await stop().catch(() => undefined)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function idOf(flag: string): Promise<number> {
  return Number(await run('id', [flag, 'postgres']))
}

function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = guarded(spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: tmpdir() }))
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part: string) => {
        output += part
      })
    child.on('error', reject)
    // Not 'close': a server that was started keeps the pipes.
    child.on('exit', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${program} ended with ${code}: ${output}`)),
    )
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
