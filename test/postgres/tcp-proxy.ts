import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What a network between the server and its database does. */
type Mode = 'pass' | 'refuse' | 'swallow'

/** A way to the database that can be cut: `refuse` accepts and hangs up, `swallow` carries nothing on. */
export async function startTcpProxy(databaseUrl: string) {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let mode: Mode = 'pass'
  let accepted = 0
  const server = createServer((near) => {
    accepted += 1
    sockets.add(near)
    near.on('error', () => {}).on('close', () => sockets.delete(near))
    if (mode === 'refuse') return near.destroy()
    const far = connect(Number(target.port || 5432), target.hostname)
    far.on('error', () => near.destroy()).on('close', () => near.destroy())
    near.on('close', () => far.destroy())
    near.on('data', (chunk) => mode === 'swallow' || far.write(chunk))
    far.on('data', (chunk) => mode === 'swallow' || near.write(chunk))
    return undefined
  })
  const listen = (port: number) =>
    new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()))
  await listen(0)
  const { port } = server.address() as AddressInfo
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${port}`
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: url.href,
    accepted: () => accepted,
    set: (next: Mode) => {
      mode = next
    },
    cut,
    /** Nobody listens any more, until `reopen`. */
    async close() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
    reopen: () => listen(port),
    async [Symbol.asyncDispose]() {
      cut()
      if (server.listening) await new Promise((resolve) => server.close(resolve))
    },
  }
}
