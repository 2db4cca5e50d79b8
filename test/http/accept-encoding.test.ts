import { expect, it } from 'vitest'
import { chooseEncoding } from '../../server/http/compression.ts'

const ROWS: readonly (readonly [header: string | undefined, encoding: string | undefined])[] = [
  [undefined, undefined],
  ['', undefined],
  ['gzip', 'gzip'],
  ['GZip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['br', 'br'],
  ['gzip, deflate, br', 'br'],
  ['gzip, deflate, br, zstd', 'br'],
  ['gzip;q=1.0, br;q=0.9', 'gzip'],
  ['gzip;q=0.5,br;q=0.5', 'br'],
  ['gzip ; q=0.001', 'gzip'],
  ['gzip;Q=1', 'gzip'],
  ['gzip;q=0', undefined],
  ['gzip;q=0.000, br;q=0.0', undefined],
  ['br;q=0, gzip', 'gzip'],
  ['br;q=0, *', 'gzip'],
  ['*', 'br'],
  ['*;q=0', undefined],
  ['*;q=0, gzip;q=0.1', 'gzip'],
  ['*;q=0.2, gzip;q=0.1', 'br'],
  ['identity', undefined],
  ['identity;q=0', undefined],
  ['identity;q=0, gzip', 'gzip'],
  ['identity;q=0, *', 'br'],
  ['identity, gzip;q=0.5', undefined],
  ['identity;q=0.5, gzip;q=0.5', 'gzip'],
  ['identity;q=0.5, gzip', 'gzip'],
  ['deflate, zstd, compress', undefined],
  ['gzip;q=', undefined],
  ['gzip;q=2', undefined],
  ['gzip;q=-1', undefined],
  ['gzip;q=0.1234', undefined],
  ['gzip;q=abc, br', 'br'],
  ['gzip;level=9', undefined],
  ['gzip br', undefined],
  [',,gzip,', 'gzip'],
  ['gzip, gzip;q=0', undefined],
  ['"gzip"', undefined],
  ['gzipped', undefined],
  ['gzip\u0000', undefined],
]

it.each(ROWS)('Accept-Encoding %j asks for %j', (header, encoding) => {
  expect(chooseEncoding(header)).toBe(encoding)
})

it('a long header is read in no time to speak of', () => {
  // The time of this process alone: others may keep it waiting.
  const before = process.cpuUsage()
  for (const piece of ['gzip;q=0.5 ', ' ', 'a;', ',', 'gzip ; q = 0'])
    chooseEncoding(piece.repeat(16_384 / piece.length))
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1_000).toBeLessThan(1_000)
})
