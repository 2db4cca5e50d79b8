import { describe, expect, it } from 'vitest'
import { type AddressRange, addressKey, clientAddress, parseRange } from '../../server/auth/client-address.ts'

function ranges(...texts: readonly string[]): readonly AddressRange[] {
  return texts.map(parseRange).filter((range) => range !== undefined)
}

const PROXIES = ranges('10.0.0.0/8', '192.0.2.1', 'fd00::/8')

describe('the address of a client', () => {
  it.each<[peer: string, forwardedFor: string | undefined, client: string]>([
    ['198.51.100.7', undefined, '198.51.100.7'],
    ['::ffff:198.51.100.7', undefined, '198.51.100.7'],
    ['::FFFF:C633:6407', undefined, '198.51.100.7'],
    ['2001:DB8:0:0::1', undefined, '2001:db8::1'],
    ['fe80::1%eth0', undefined, 'fe80::1'],
    // A peer whom nobody trusts may say what it likes.
    ['198.51.100.7', '203.0.113.1', '198.51.100.7'],
    ['198.51.100.7', '10.0.0.1, 10.0.0.2', '198.51.100.7'],
    ['10.0.0.1', undefined, '10.0.0.1'],
    ['10.0.0.1', '203.0.113.1', '203.0.113.1'],
    ['::ffff:10.0.0.1', ' 203.0.113.1 ', '203.0.113.1'],
    ['192.0.2.1', '::ffff:203.0.113.1', '203.0.113.1'],
    ['192.0.2.2', '203.0.113.1', '192.0.2.2'],
    ['fd12::5', '2001:db8::9', '2001:db8::9'],
    // From the end, past the trusted ones, to the first who is not.
    ['10.0.0.1', '1.1.1.1, 203.0.113.1, 192.0.2.1, 10.2.3.4', '203.0.113.1'],
    ['10.0.0.1', '1.1.1.1,203.0.113.1,fd00::2', '203.0.113.1'],
    ['10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    // What is no address ends it: the last proxy counts.
    ['10.0.0.1', '', '10.0.0.1'],
    ['10.0.0.1', '203.0.113.1, unknown', '10.0.0.1'],
    ['10.0.0.1', '203.0.113.1, , 10.0.0.2', '10.0.0.2'],
    ['10.0.0.1', '203.0.113.1:4711', '10.0.0.1'],
    ['10.0.0.1', '[2001:db8::9]', '10.0.0.1'],
    ['10.0.0.1', '203.0.113.01', '10.0.0.1'],
    ['10.0.0.1', '0xcb007101', '10.0.0.1'],
    ['10.0.0.1', '3405803777', '10.0.0.1'],
    ['10.0.0.1', '203.0.113', '10.0.0.1'],
    ['10.0.0.1', '203.0.113.1/32', '10.0.0.1'],
    ['10.0.0.1', 'fe80::1%eth0', '10.0.0.1'],
  ])('of %j saying %j is %s', (peer, forwardedFor, client) => {
    expect(clientAddress(peer, forwardedFor, PROXIES)).toBe(client)
  })

  it('is not known of a connection that has ended', () => {
    expect(clientAddress(undefined, '203.0.113.1', PROXIES)).toBeUndefined()
  })
})

describe('a range of proxies', () => {
  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.1/8', '10.9.9.9', true],
    ['10.0.0.1/32', '10.0.0.2', false],
    ['::ffff:10.0.0.0/104', '10.1.1.1', true],
    ['::ffff:10.0.0.0/104', '11.1.1.1', false],
    ['fd00::/8', 'fdff::1', true],
    ['fd00::/8', 'fe80::1', false],
    ['fd00::1', 'fd00::2', false],
    ['2000::/3', '32.0.0.1', false],
  ])('%s and %s: %s', (range, peer, isTrusted) => {
    expect(clientAddress(peer, '203.0.113.1', ranges(range))).toBe(isTrusted ? '203.0.113.1' : peer)
  })

  it.each([
    '0.0.0.0/0',
    '::/0',
    '::ffff:0.0.0.0/96',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/',
    '10.0.0.0/0x8',
    '10.0.0',
    '10/8',
    '010.0.0.0/8',
    '::/129',
    'fe80::1%eth0',
    'proxy.internal',
    '*',
  ])('%s is none', (text) => {
    expect(parseRange(text)).toBeUndefined()
  })
})

describe('calls are counted', () => {
  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['2001:db8:1:2::9', '2001:db8:1:2::'],
    ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::'],
    ['2001:db8:1:3::9', '2001:db8:1:3::'],
    ['::1', '::'],
  ])('for %s as %s', (address, key) => {
    expect(addressKey(address)).toBe(key)
  })
})
