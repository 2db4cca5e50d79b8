import { type ChildProcess, type ExecFileOptions, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const GUARDIAN = fileURLToPath(new URL('guardian.mjs', import.meta.url))
const living = new Set<ChildProcess>()
let orders: Writable | undefined

/**
 * Ends a child with this process, however this process ends: killed, crashed or done. Every process that a test starts
 * goes through here; a child with `detached: true` takes its own children along.
 */
export function guarded<TChild extends ChildProcess>(child: TChild): TChild {
  const { pid } = child
  if (pid === undefined) return child // It was not started; its 'error' says so.
  living.add(child)
  order(`+pid ${pid}`)
  child.once('exit', () => {
    living.delete(child)
    order(`-pid ${pid}`)
  })
  return child
}

/** Ends all that a file's tests started and left. */
export async function endChildren(): Promise<void> {
  await Promise.all(
    [...living].map(async (child) => {
      const gone = once(child, 'exit')
      endGroup(child)
      await gone
    }),
  )
}

function endGroup(child: ChildProcess): void {
  child.kill('SIGKILL')
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It leads no group.
  }
}

/** Runs a program to its end, guarded. @throws {Error} with its output when it ends with another code than 0. */
export function runGuarded(file: string, args: readonly string[], options: ExecFileOptions = {}) {
  const running = promisify(execFile)(file, args, { ...options, encoding: 'utf8' })
  guarded(running.child)
  return running
}

/** Ends a process that is no child, such as a daemon. Call what it gives once that has ended otherwise. */
export function guardPid(pid: number): () => void {
  order(`+pid ${pid}`)
  return () => order(`-pid ${pid}`)
}

/** Makes a directory that is gone with this process at the latest. */
export async function temporaryPath(name: string): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `deputy-${name}-`))
  guardDirectory(path)
  return path
}

/** Removes a directory with this process at the latest. */
export function guardDirectory(path: string): void {
  order(`+dir ${path}`)
}

/** A directory that is gone when disposed. */
export async function temporaryDirectory(name: string): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await temporaryPath(name)
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

function order(line: string): void {
  orders ??= startGuardian()
  orders.write(`${line}\n`)
}

/** In a session of its own: what ends a terminal's processes leaves it to do its work. */
function startGuardian(): Writable {
  const guardian = spawn(process.execPath, [GUARDIAN], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
  })
  guardian.unref()
  const { stdin } = guardian
  stdin.on('error', () => {})
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
  return stdin
}
