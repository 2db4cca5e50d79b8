import { describe, expect, it } from 'vitest'
import { isPublicAddress } from '../../server/integrations/public-connector.ts'

const PUBLIC = [
  '8.8.8.8',
  '1.1.1.1',
  '100.63.255.255',
  '100.128.0.1',
  '172.15.0.1',
  '172.32.0.1',
  '223.255.255.254',
]
const PUBLIC_V6 = ['2001:4860:4860::8888', '2606:4700::1111', '2a00:1450::1', '2003::1']

const NOT_PUBLIC: Record<string, readonly string[]> = {
  unspecified: ['0.0.0.0', '0.1.2.3', '::', '0:0:0:0:0:0:0:0'],
  loopback: ['127.0.0.1', '127.255.255.255', '::1'],
  private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
  'link-local': ['169.254.169.254', 'fe80::1', 'febf::1'],
  'with a zone': ['fe80::1%eth0', '2606:4700::1111%1'],
  'unique local': ['fc00::1', 'fd00:ec2::254'],
  'carrier-grade NAT': ['100.64.0.1', '100.127.255.255'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
  reserved: ['240.0.0.1', '255.255.255.255', '192.0.0.1', '192.88.99.1', '4000::1', '5f00::1', '2001:20::1'],
  benchmarking: ['198.18.0.1', '198.19.255.255', '2001:2::1'],
  documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
  'deprecated site-local': ['fec0::1'],
  'discard-only': ['100::1'],
  'IPv4-mapped': ['::ffff:8.8.8.8', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:0:127.0.0.1'],
  'IPv4-compatible': ['::8.8.8.8', '::127.0.0.1', '::7f00:1'],
  NAT64: ['64:ff9b::8.8.8.8', '64:ff9b::7f00:1', '64:ff9b:1::1', '64:ff9b:1:ffff::10.0.0.1'],
  '6to4': ['2002:7f00:1::', '2002:808:808::1'],
  Teredo: ['2001::1', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
  'no address': [
    '',
    'localhost',
    '127.1',
    '8.8.2056',
    '010.8.8.8',
    '0x8.8.8.8',
    '134744072',
    '[2606:4700::1111]',
    ' 8.8.8.8',
    '8.8.8.8/8',
  ],
}

describe('an address is public', () => {
  it.each([...PUBLIC, ...PUBLIC_V6])('when it is global unicast: %s', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  it.each(Object.entries(NOT_PUBLIC))('but not when it is %s', (_kind, addresses) => {
    expect(addresses.filter(isPublicAddress)).toEqual([])
  })
})
