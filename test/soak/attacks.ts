import { connect } from 'node:net'
import type { Random } from './random.ts'

export interface Attacked {
  readonly url: string
  readonly token: string
}

/** The bytes of a request, and how its answer is taken. */
interface Assault {
  readonly request: string
  readonly reading: 'all' | 'slowly' | 'never'
  /** How long the socket stays, at most. */
  readonly forMs: number
}

export type AttackName = keyof typeof ATTACKS

const PAGE = '/api/records/events?limit=1000'
const ACTION = '/api/actions/createEvent'
const MIB = 1024 * 1024
/** A slow reader takes so many bytes at a time. */
const SLOW_PAUSE_MS = 200

/** What strangers and users may send, each with its own sizes. */
const ATTACKS = {
  'pages that are read': (to: Attacked) => read(get(to, PAGE), 'all'),
  'pages that are never read': (to: Attacked, random: Random) =>
    read(get(to, PAGE), 'never', random.between(2_000, 8_000)),
  'pages that are read slowly': (to: Attacked, random: Random) =>
    read(get(to, PAGE), 'slowly', random.between(2_000, 8_000)),
  'pipelined pages that are never read': (to: Attacked, random: Random) =>
    read(pipelined(to, PAGE, random.between(2, 16)), 'never', random.between(2_000, 8_000)),
  'aborted pages': (to: Attacked, random: Random) => read(get(to, PAGE), 'never', random.between(1, 200)),
  'half-sent bodies': (to: Attacked, random: Random) =>
    read(post(to, ACTION, 'x'.repeat(random.between(1, MIB - 1)), MIB), 'all', random.between(1_000, 5_000)),
  'half-sent chunks': (to: Attacked, random: Random) =>
    read(chunked(to, ACTION, random.between(1, MIB - 1)), 'all', random.between(1_000, 5_000)),
  'bodies at the limit': (to: Attacked) => {
    const [before, after] = ['{"title":"', '"}']
    return read(post(to, ACTION, before + 'x'.repeat(MIB - before.length - after.length) + after), 'all')
  },
  'bodies beyond the limit': (to: Attacked) => read(post(to, ACTION, 'x'.repeat(2 * MIB)), 'all'),
  'deep JSON': (to: Attacked, random: Random) => {
    const depth = random.between(1_000, 400_000)
    return read(post(to, ACTION, '['.repeat(depth) + ']'.repeat(depth)), 'all')
  },
  'wide JSON': (to: Attacked, random: Random) =>
    read(post(to, ACTION, `[${'0,'.repeat(random.between(1_000, 500_000))}0]`), 'all'),
  'batches of pages': (to: Attacked, random: Random) => {
    const members = random.between(2, 10)
    const input = Object.fromEntries(
      Array.from({ length: members }, (_, position) => [position, { json: { limit: 1_000 } }]),
    )
    const paths = Array(members).fill('records.events.list').join(',')
    const address = `/trpc/${paths}?batch=1&input=${encodeURIComponent(JSON.stringify(input))}`
    return read(get(to, address), random.pick(['all', 'never', 'slowly']), random.between(2_000, 8_000))
  },
  'shapes of where': (to: Attacked, random: Random) => {
    const capacity = Object.fromEntries(
      ['gt', 'gte', 'lt', 'lte', 'ne']
        .filter(() => random.next() < 0.5)
        .map((operator) => [operator, random.between(1, 100_000)]),
    )
    const AND = Array.from({ length: random.between(1, 15) }, () => ({ capacity }))
    return read(get(to, `${PAGE}&where=${encodeURIComponent(JSON.stringify({ AND }))}`), 'all')
  },
} satisfies Readonly<Record<string, (to: Attacked, random: Random) => Assault>>

const [first, ...others] = Object.keys(ATTACKS) as AttackName[] // The keys are the names, by the type above.
export const ATTACK_NAMES: readonly [AttackName, ...AttackName[]] = [first ?? 'aborted pages', ...others]

/** Attacks once, and comes back when its socket is closed. */
export function attack(name: AttackName, to: Attacked, random: Random): Promise<void> {
  return send(to, ATTACKS[name](to, random))
}

function send({ url }: Attacked, { request, reading, forMs }: Assault): Promise<void> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) }, () => {
      socket.write(request)
      if (reading === 'all') socket.resume()
      else socket.pause()
    })
    if (reading === 'slowly') {
      socket.on('data', () => {
        socket.pause()
        setTimeout(() => socket.resume(), SLOW_PAUSE_MS)
      })
    }
    const timer = setTimeout(() => socket.destroy(), forMs)
    // What a server does to such a socket is its own affair: it is looked at by whoever behaves.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

function read(request: string, reading: Assault['reading'], forMs = 10_000): Assault {
  return { request, reading, forMs }
}

function head(method: string, { token }: Attacked, address: string, ...more: readonly string[]): string {
  const lines = [
    `${method} ${address} HTTP/1.1`,
    'Host: soak.test',
    `Authorization: Bearer ${token}`,
    ...more,
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

function get(to: Attacked, address: string): string {
  return head('GET', to, address, 'Connection: close')
}

/** Several requests on one connection. */
function pipelined(to: Attacked, address: string, requests: number): string {
  return head('GET', to, address).repeat(requests)
}

function post(to: Attacked, address: string, body: string, announced = body.length): string {
  const lines = ['Connection: close', 'Content-Type: application/json', `Content-Length: ${announced}`]
  return head('POST', to, address, ...lines) + body
}

/** A body of chunks that has no last one. */
function chunked(to: Attacked, address: string, bytes: number): string {
  const lines = ['Content-Type: application/json', 'Transfer-Encoding: chunked']
  return `${head('POST', to, address, ...lines)}${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n`
}
