import { connect } from 'node:net'

const CANCEL_TIMEOUT_MS = 5_000

/** What postgres.js passes to the function that makes its sockets. */
export interface SocketTarget {
  readonly path: string | false
  readonly host: readonly string[]
  readonly port: readonly number[]
}

/**
 * Asks the server, over a connection of its own, to stop what a backend is doing. It may come to nothing. Resolves when
 * the server has heard it, or cannot be asked.
 */
export function requestCancel(
  target: SocketTarget,
  backend: { readonly pid: number; readonly secret: number },
): Promise<void> {
  const message = Buffer.alloc(16)
  message.writeInt32BE(16, 0)
  message.writeInt32BE(80_877_102, 4)
  message.writeUInt32BE(backend.pid, 8)
  message.writeUInt32BE(backend.secret, 12)
  const socket = target.path ? connect(target.path) : connect(target.port[0] ?? 5432, target.host[0])
  socket.setTimeout(CANCEL_TIMEOUT_MS, () => socket.destroy())
  socket.on('error', () => socket.destroy())
  const isHeard = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  // Without reading, a close is never seen.
  socket.resume()
  // The server closes when it has heard it. Until then a pooler would forget it with who hangs up.
  socket.write(message)
  return isHeard
}
