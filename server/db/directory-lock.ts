// Trust rule: the process that holds this lock is the only writer of the directory. The kernel vouches for it: a unix
// socket answers as long as its process lives, and is refused from the moment it is killed. That holds among
// the processes of one kernel, containers included; not between machines that share a network drive.
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { createConnection, createServer, type Server } from 'node:net'
import { join, relative, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** Why a directory could not be locked, for the person who starts the server. */
export class DirectoryLockError extends Error {
  override readonly name = 'DirectoryLockError'
  /** Whether another process has it; otherwise it cannot be locked at all. */
  readonly isInUse: boolean

  constructor(message: string, { isInUse }: { readonly isInUse: boolean }) {
    super(message)
    this.isInUse = isInUse
  }
}

export interface DirectoryLock {
  /** Gives the directory up. A second call does nothing. */
  release(): Promise<void>
}

const SOCKET_NAME = /^lock-[0-9a-f]{12}\.sock$/

/** sun_path holds 104 bytes on macOS and 108 on Linux, one of them the closing NUL. */
const MAX_SOCKET_PATH_BYTES = 103

const ANSWER_TIMEOUT_MS = 1_000
/** Who is too busy to answer that often is a holder all the same; once, it may be another opener on a slow machine. */
const MAX_SILENT_CHECKS = 4
const RECHECK_MS = 20
const MAX_CHECKS = 100

/** A candidate is still looking around; of two candidates the one whose name sorts first goes on. */
type State = 'candidate' | 'held'

/** A rival that hung up without a word is on its way out: the next look finds it dead. */
interface Rival extends Answer {
  readonly name: string
}

interface Answer {
  readonly state: State | 'leaving' | 'silent'
  /** Its process, as that one knows itself: in a container it has another number than outside. */
  readonly pid?: number | undefined
}

/**
 * Takes the one lock on a directory, making the directory first where there is none.
 * @throws Error that names the directory and what to do, when another opener has it, in this process or another.
 */
export async function lockDirectory(dir: string): Promise<DirectoryLock> {
  return process.platform === 'win32' ? lockWithPipe(dir) : lockWithSocket(dir)
}

/**
 * Every opener listens on a socket under a name of its own and then asks every other socket in the directory.
 * Of two openers, the one that appeared later meets the one that appeared earlier, so two can never both find
 * the directory empty; and since no name is used twice, removing a dead socket cannot remove a living one.
 */
async function lockWithSocket(dir: string): Promise<DirectoryLock> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const id = randomBytes(6).toString('hex')
  const name = `lock-${id}.sock`
  let state: State = 'candidate'

  // Listening comes before appearing: a socket that is bound but does not listen yet looks dead to others.
  // The draft's name is also the one that libuv unlinks on close, which by then is no file any more.
  const draft = `new-${id}.sock`
  const server = await listen(socketPath(dir, draft), dir, () => state)
  await rename(join(dir, draft), join(dir, name)).catch((error: unknown) => {
    server.close()
    throw error
  })
  const release = async () => {
    await rm(join(dir, name), { force: true })
    server.close()
  }

  let holder: Rival | undefined
  const silences = new Map<string, number>()
  try {
    for (let check = 0; check < MAX_CHECKS; check += 1) {
      const rivals = await findRivals(dir, name)
      if (rivals.length === 0) {
        state = 'held'
        return { release }
      }
      for (const rival of rivals) {
        const silent = rival.state === 'silent' ? (silences.get(rival.name) ?? 0) + 1 : 0
        silences.set(rival.name, silent)
        if (silent === MAX_SILENT_CHECKS || yieldsTo(rival, name)) holder ??= rival
      }
      if (holder) break
      await delay(RECHECK_MS)
    }
    throw inUse(dir, holder?.pid)
  } catch (error) {
    await release()
    throw error
  }
}

/** A named pipe on Windows takes one listener, and goes with its process. */
async function lockWithPipe(dir: string): Promise<DirectoryLock> {
  const id = createHash('sha256').update(resolve(dir).toLowerCase()).digest('hex')
  const server = await listen(`\\\\.\\pipe\\deputy-${id}`, dir, () => 'held')
  return {
    async release() {
      server.close()
    },
  }
}

function listen(path: string, dir: string, state: () => State): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.unref()
    socket.end(`${state()} ${process.pid}`, () => socket.destroy())
  })
  server.unref()
  return new Promise((fulfil, reject) => {
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') return reject(inUse(dir))
      const reason = `The directory "${dir}" cannot be locked (${error.message}).`
      reject(
        new Error(`${reason} It must be writable and on a file system that has unix sockets.`, {
          cause: error,
        }),
      )
    })
    server.listen(path, () => fulfil(server))
  })
}

async function findRivals(dir: string, own: string): Promise<readonly Rival[]> {
  const names = (await readdir(dir)).filter((name) => SOCKET_NAME.test(name) && name !== own)
  const states = await Promise.all(
    names.map(async (name) => ({ name, answer: await ask(socketPath(dir, name)) })),
  )
  const rivals: Rival[] = []
  for (const { name, answer } of states) {
    if (answer === 'dead') await rm(join(dir, name), { force: true })
    else rivals.push({ name, ...answer })
  }
  return rivals
}

function yieldsTo(rival: Rival, own: string): boolean {
  return rival.state === 'held' || (rival.state === 'candidate' && rival.name < own)
}

/** Only a refused connection proves that no one listens; any other trouble counts as a holder, silence once it lasts. */
function ask(path: string): Promise<Answer | 'dead'> {
  return new Promise((fulfil) => {
    let answer = ''
    const socket = createConnection({ path, timeout: ANSWER_TIMEOUT_MS })
    const settle = (given: Answer | 'dead') => {
      socket.destroy()
      fulfil(given)
    }
    socket.setEncoding('utf8')
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('end', () => settle(readAnswer(answer)))
    socket.on('timeout', () => settle({ state: 'silent' }))
    socket.on('error', (error: NodeJS.ErrnoException) => settle(readConnectError(error.code)))
  })
}

function readAnswer(text: string): Answer {
  const [, state, pid] = /^(held|candidate) (\d+)$/.exec(text) ?? []
  return state === 'held' || state === 'candidate' ? { state, pid: Number(pid) } : { state: 'leaving' }
}

function readConnectError(code: string | undefined): Answer | 'dead' {
  switch (code) {
    case 'ECONNREFUSED':
    case 'ENOENT':
      return 'dead'
    case 'ECONNRESET':
    case 'EPIPE':
      return { state: 'leaving' }
    default:
      return { state: 'held' }
  }
}

function socketPath(dir: string, name: string): string {
  const absolute = resolve(dir, name)
  const fromHere = relative(process.cwd(), absolute)
  const path = Buffer.byteLength(fromHere) < Buffer.byteLength(absolute) ? fromHere : absolute
  const bytes = Buffer.byteLength(path)
  if (bytes <= MAX_SOCKET_PATH_BYTES) return path
  throw new DirectoryLockError(
    `The directory "${dir}" cannot be locked: its path is ${bytes - MAX_SOCKET_PATH_BYTES} bytes too long for a unix socket. Choose a shorter one, or start nearer to it.`,
    { isInUse: false },
  )
}

function inUse(dir: string, pid?: number): DirectoryLockError {
  const process = pid === undefined ? '' : `: ${pid} on this machine, or in its container`
  return new DirectoryLockError(
    `The directory "${dir}" is in use by another Deputy process${process}. Stop that process first, or choose another directory for this one.`,
    { isInUse: true },
  )
}
