import { isIP } from 'node:net'
import { z } from 'zod'
import type { ColumnType } from './column-type.ts'

const PAIR = '[0-9a-f]{2}'

/** Postgres writes lower case and colons. */
export const macaddrType = exactText(
  (text) => new RegExp(`^${PAIR}(?::${PAIR}){5}$`).test(text),
  'must be a MAC address in lower case, such as "08:00:2b:01:02:03"',
)
export const macaddr8Type = exactText(
  (text) => new RegExp(`^${PAIR}(?::${PAIR}){7}$`).test(text),
  'must be a MAC address of 8 bytes in lower case, such as "08:00:2b:ff:fe:01:02:03"',
)

/** An address, and its network where it is not the whole address. */
export const inetType = exactText((text) => {
  const parts = partsOf(text)
  if (!parts?.isShortest) return false
  // A whole address is written without its length.
  return parts.bits !== parts.width
}, 'must be an IP address as Postgres writes it, such as "192.168.0.1", "10.1.2.3/8" or "2001:db8::1"')

/** A network: no bit is set to the right of its length, which is always said. */
export const cidrType = exactText((text) => {
  const parts = partsOf(text)
  if (!parts?.isShortest || parts.bits === undefined) return false
  return (parts.address & ((1n << BigInt(parts.width - parts.bits)) - 1n)) === 0n
}, 'must be a network as Postgres writes it, such as "192.168.0.0/24" or "2001:db8::/32"')

function exactText(isExact: (text: string) => boolean, rule: string): ColumnType {
  return { schema: z.string().refine(isExact, rule), read: String, isComparable: true }
}

interface Parts {
  readonly address: bigint
  readonly width: 32 | 128
  /** Undefined where none is said. */
  readonly bits: number | undefined
  /** Whether the address is written as Postgres writes it. */
  readonly isShortest: boolean
}

function partsOf(text: string): Parts | undefined {
  const [, address = '', length] = /^([0-9a-f.:]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? []
  const version = isIP(address)
  if (version === 0) return undefined
  const width = version === 4 ? 32 : 128
  const bits = length === undefined ? undefined : Number(length)
  if (bits !== undefined && bits > width) return undefined
  // `isIP` takes no zeros before a number of version 4.
  if (version === 4) return { address: joined(address.split('.'), 10, 8n), width, bits, isShortest: true }
  const hex = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const words = expanded(hex)
  return {
    address: joined(words, 16, 16n),
    width,
    bits,
    isShortest: address === (isMapped(words) ? withDots(words) : hex),
  }
}

function joined(parts: readonly string[], radix: number, width: bigint): bigint {
  return parts.reduce((sum, part) => (sum << width) | BigInt(Number.parseInt(part, radix)), 0n)
}

/** The eight words of an address in its shortest form. */
function expanded(hex: string): string[] {
  const [before = '', after] = hex.split('::')
  const left = before === '' ? [] : before.split(':')
  if (after === undefined) return left
  const right = after === '' ? [] : after.split(':')
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right]
}

/** Whether it ends in an address of version 4, which Postgres writes with dots: `::ffff:1.2.3.4` and `::1.2.3.4`. */
function isMapped(words: readonly string[]): boolean {
  if (words.slice(0, 5).some((word) => word !== '0')) return false
  return words[5] === 'ffff' || (words[5] === '0' && words[6] !== '0')
}

function withDots(words: readonly string[]): string {
  const [high = 0, low = 0] = words.slice(6).map((word) => Number.parseInt(word, 16))
  const dotted = [high >> 8, high & 255, low >> 8, low & 255].join('.')
  return words[5] === 'ffff' ? `::ffff:${dotted}` : `::${dotted}`
}
