import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, chown, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { guarded, temporaryDirectory } from '../support/guarded.ts'

const PROGRAM = '/usr/sbin/pgbouncer'

/** Starts a PgBouncer of the test's own in front of a database. @throws {Error} without its program */
export async function startPgbouncer(
  databaseUrl: string,
  settings: Readonly<Record<string, string | number>>,
) {
  const target = new URL(databaseUrl)
  const name = target.pathname.slice(1)
  const port = await freePort()
  const held = await temporaryDirectory('pgbouncer')
  const directory = held.path
  const file = join(directory, 'pgbouncer.ini')
  const lines = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'any',
    logfile: join(directory, 'log'),
    query_wait_timeout: 20,
    ...settings,
  }
  await writeFile(
    file,
    [
      '[databases]',
      `${name} = host=${target.hostname} port=${target.port || 5432} dbname=${name} user=${target.username || 'postgres'}`,
      '[pgbouncer]',
      ...Object.entries(lines).map(([key, value]) => `${key} = ${value}`),
      '',
    ].join('\n'),
  )
  await chmod(directory, 0o777)
  const start = async () => {
    const started = await run(file, directory)
    await untilListening(port, started)
    return started
  }
  let child = await start()
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${port}`
  return {
    url: url.href,
    /** As by the kernel: it says nothing to anyone. */
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
    },
    /** Starts it again, at the same address. */
    async restart() {
      await this.kill()
      child = await start()
    },
    async [Symbol.asyncDispose]() {
      await this.kill()
      await held[Symbol.asyncDispose]()
    },
  }
}

async function run(file: string, directory: string): Promise<ChildProcess> {
  // PgBouncer refuses to run as root.
  const isRoot = process.getuid?.() === 0
  const user = isRoot ? { uid: 65_534, gid: 65_534 } : {}
  if (isRoot) await chown(directory, 65_534, 65_534)
  return new Promise((resolve, reject) => {
    const child = guarded(spawn(PROGRAM, ['-q', file], { stdio: 'ignore', cwd: directory, ...user }))
    child.once('spawn', () => resolve(child))
    child.once('error', (error) =>
      reject(new Error(`This test needs ${PROGRAM} (apt-get install pgbouncer): ${error.message}`)),
    )
  })
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`PgBouncer ended with ${child.exitCode}`)
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
