import { sql } from 'drizzle-orm'
import {
  bigint,
  bigserial,
  boolean,
  char,
  cidr,
  customType,
  date,
  doublePrecision,
  geometry,
  halfvec,
  inet,
  integer,
  interval,
  json,
  jsonb,
  line,
  macaddr,
  macaddr8,
  numeric,
  type PgColumnBuilderBase,
  pgEnum,
  point,
  real,
  serial,
  smallint,
  smallserial,
  sparsevec,
  text,
  time,
  timestamp,
  uuid,
  varchar,
  vector,
} from 'drizzle-orm/pg-core'
import { bit } from 'drizzle-orm/pg-core/columns/vector_extension/bit'

/** A column that a collection may declare, and what is tried on it. */
export interface Kept {
  readonly column: () => PgColumnBuilderBase
  /** In the order of the column, where it has one. */
  readonly exact: readonly unknown[]
  /** Values that come back as others that mean the same: what is given, and what comes back. */
  readonly same?: readonly (readonly [unknown, unknown])[]
  readonly refused: readonly unknown[]
  /** Whether values can be compared and ordered. @default true */
  readonly isComparable?: boolean
  /** What is stored, what is added, and what comes of it; undefined where that is out of range. */
  readonly sums?: readonly (readonly [unknown, unknown, unknown])[]
  readonly noAmounts?: readonly unknown[]
  /** SQL that stores what no answer can carry. */
  readonly unreadable?: readonly string[]
  /** Whether drizzle-kit cannot write a value of it as a default. @default false */
  readonly hasNoDefault?: boolean
}

/** A column that no collection may declare, with a part of the sentence. */
export interface Refused {
  readonly column: () => PgColumnBuilderBase
  readonly refused: string
}

/** A column that the database numbers by itself. */
export interface Numbered {
  readonly column: () => PgColumnBuilderBase
  readonly numbered: readonly unknown[]
}

export type Tried = Kept | Refused | Numbered

export const mood = pgEnum('Mood', ['zeal', 'Awe', 'a "b", {c}\\'])
export const size = pgEnum('size', { Small: 's', Large: 'L' })
const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })

const at = (text: string) => new Date(text)
const MAX64 = 2n ** 63n - 1n
const SAFE = Number.MAX_SAFE_INTEGER
const decomposed = 'e\u0301'
const TEXTS = [
  '',
  ' ',
  '\u0001\t\n',
  '%_\\',
  'NULL',
  'a"b',
  'now',
  '{x,y}',
  decomposed,
  '\u00e9',
  '\u{1F600}',
  '\ufeff',
  '\ufeffx',
]
const NO_TEXT = ['nul\0', '\ud800', 1, true, {}, []]
const NO_INTEGER = [0.5, Number.NaN, Number.POSITIVE_INFINITY, '1', 1n, true, -0, 2 ** 53]

/** Every builder of Drizzle's, by its name, with its modes. */
export const TABLE: Readonly<Record<string, readonly Tried[]>> = {
  bigint: [
    {
      column: () => bigint({ mode: 'number' }),
      exact: [-SAFE, -1, 0, 1, SAFE],
      refused: NO_INTEGER,
      sums: [
        [1, 2, 3],
        [SAFE - 1, 1, SAFE],
        [SAFE, 1, undefined],
        [-SAFE, -1, undefined],
        [-SAFE, 1n, -SAFE + 1],
      ],
      noAmounts: [0.5, '1', null, 2 ** 53],
      unreadable: ['9007199254740993'],
    },
    {
      column: () => bigint({ mode: 'bigint' }),
      exact: [-MAX64 - 1n, -1n, 0n, 2n ** 53n + 1n, MAX64],
      refused: [MAX64 + 1n, -MAX64 - 2n, 1, '1'],
      sums: [
        [2n ** 53n, 1n, 2n ** 53n + 1n],
        [MAX64, 1, undefined],
      ],
      hasNoDefault: true,
    },
  ],
  bigserial: [
    { column: () => bigserial({ mode: 'number' }), numbered: [1, 2] },
    { column: () => bigserial({ mode: 'bigint' }), numbered: [1n, 2n] },
  ],
  serial: [{ column: () => serial(), numbered: [1, 2] }],
  smallserial: [{ column: () => smallserial(), numbered: [1, 2] }],
  boolean: [{ column: () => boolean(), exact: [false, true], refused: ['t', 'true', 0, 1] }],
  char: [
    {
      column: () => char({ length: 3 }),
      exact: [' ab', 'abc', '\u{1F600}\u{1F600}\u{1F600}'],
      refused: ['ab', 'ab ', 'abcd', '', ...NO_TEXT],
    },
    { column: () => char(), exact: ['a', 'b'], refused: ['', ' ', 'ab'] },
    {
      column: () => char({ length: 2, enum: ['a', 'bb'] }),
      refused: 'has the value "a", which is not 2 characters long',
    },
  ],
  cidr: [
    {
      column: () => cidr(),
      exact: ['0.0.0.0/0', '10.0.0.0/8', '192.168.0.1/32', '::/0', '2001:db8::/32', '::ffff:1.2.3.4/128'],
      refused: ['10.1', '10.0.0.1/8', '10.0.0.0', '2001:DB8::/32', '2001:db8::1/64', '10.0.0.0/33', '', 1],
    },
  ],
  customType: [{ column: () => bytea(), refused: 'is a customType' }],
  date: [
    {
      column: () => date(),
      exact: ['0001-01-01', '0099-12-31', '2000-02-29', '9999-12-31'],
      refused: [
        'tomorrow',
        'now',
        'infinity',
        '02/03/2024',
        '2024-2-3',
        '2024-02-30',
        '0000-01-01',
        '2024-02-03T00:00:00Z',
        '20240203',
        at('2024-02-03'),
        0,
      ],
    },
    {
      column: () => date({ mode: 'date' }),
      exact: [
        at('0001-01-01T00:00:00Z'),
        at('0099-12-31T00:00:00Z'),
        at('2000-02-29T00:00:00Z'),
        at('9999-12-31T00:00:00Z'),
      ],
      refused: [at('2024-02-03T00:00:00.001Z'), at('2024-02-03T12:00:00Z'), at('no'), 0],
      unreadable: ["'infinity'", "'0045-02-29 BC'", "'10000-01-01'", "'5874897-12-31'"],
      hasNoDefault: true,
    },
  ],
  doublePrecision: [
    {
      column: () => doublePrecision(),
      exact: [
        -Number.MAX_VALUE,
        -1.5,
        0,
        5e-324,
        0.1 + 0.2,
        1.4e14,
        2 ** 53 - 1,
        2 ** 60,
        1e300,
        Number.MAX_VALUE,
      ],
      refused: [Number.NaN, Number.NEGATIVE_INFINITY, -0, '1', 1n],
      sums: [
        [0.25, 0.5, 0.75],
        [1, -1e-9, 1 - 1e-9],
        [Number.MAX_VALUE, Number.MAX_VALUE, undefined],
      ],
      unreadable: ["'NaN'", "'Infinity'"],
    },
  ],
  geometry: [
    { column: () => geometry(), refused: 'needs an extension' },
    { column: () => geometry({ mode: 'xy' }), refused: 'needs an extension' },
  ],
  halfvec: [{ column: () => halfvec({ dimensions: 2 }), refused: 'needs an extension' }],
  sparsevec: [{ column: () => sparsevec({ dimensions: 2 }), refused: 'needs an extension' }],
  vector: [{ column: () => vector({ dimensions: 2 }), refused: 'needs an extension' }],
  inet: [
    {
      column: () => inet(),
      exact: [
        '10.1.2.3/8',
        '192.168.0.1',
        '255.255.255.255',
        '::',
        '::1',
        '::1.2.3.4',
        '::ffff:1.2.3.4',
        '2001:db8::1',
        '2001:db8::1/64',
        'fe80:0:0:1::',
      ],
      refused: [
        '192.168.0.1/32',
        '192.168.000.001',
        '10.1',
        '2001:DB8::1',
        '2001:0db8::1',
        '2001:db8:0:0::1',
        '::1/128',
        'fe80::1%eth0',
        '1.2.3.4/33',
        '',
        1,
      ],
    },
  ],
  integer: [
    {
      column: () => integer(),
      exact: [-(2 ** 31), 0, 2 ** 31 - 1],
      refused: [...NO_INTEGER, 2 ** 31],
      sums: [
        [1, -3, -2],
        [2 ** 31 - 1, 1, undefined],
      ],
      noAmounts: [0.5, '1', null],
    },
    { column: () => integer().generatedAlwaysAsIdentity(), numbered: [1, 2] },
    { column: () => integer().generatedAlwaysAs(sql`1 + 1`), numbered: [2, 2] },
    { column: () => integer().array().array(), refused: 'is an array of arrays' },
  ],
  interval: [{ column: () => interval(), refused: 'is an interval' }],
  json: [
    {
      column: () => json(),
      exact: [1, 0.1, '', 'text', true, [], [null], { b: 1, a: { '': null } }, '\ufeff', 1e-300],
      refused: [
        { a: 1n },
        { a: new Date() },
        { a: undefined },
        [-0],
        { a: 'nul\0' },
        { a: '\ud800' },
        [2 ** 53],
        [Number.NaN],
      ],
      isComparable: false,
      unreadable: ["'12345678901234567890'", "'[1e400]'", `'{"__proto__": 1}'`, "'[0.12345678901234567890]'"],
    },
  ],
  jsonb: [
    {
      column: () => jsonb(),
      exact: [
        1,
        0.1,
        '',
        'text',
        true,
        [],
        [null],
        { b: 1, a: { '': null } },
        '\ufeff',
        1e-300,
        'NULL',
        'null',
      ],
      refused: [
        { a: 1n },
        { a: new Date() },
        { a: undefined },
        [-0],
        { a: 'nul\0' },
        { a: '\ud800' },
        [2 ** 53],
      ],
      isComparable: false,
      unreadable: ["'12345678901234567890'", "'[1e400]'", `'{"__proto__": 1}'`],
    },
  ],
  line: [
    {
      column: () => line(),
      exact: [
        [1, 2, 3],
        [-0.5, 0, 1e-300],
      ],
      refused: [[0, 0, 1], [1, 2], [1, 2, -0], [1, 2, Number.NaN], '{1,2,3}'],
      isComparable: false,
      hasNoDefault: true,
    },
    {
      column: () => line({ mode: 'abc' }),
      exact: [{ a: 1, b: 2, c: 3 }],
      refused: [
        { a: 1, b: 2 },
        { a: 1, b: 2, c: 3, d: 4 },
        { a: 0, b: 0, c: 1 },
      ],
      isComparable: false,
      hasNoDefault: true,
    },
  ],
  point: [
    {
      column: () => point(),
      exact: [
        [0, 0],
        [0.1, -1e300],
      ],
      refused: [[1], [1, 2, 3], [1, -0], [1, Number.POSITIVE_INFINITY], '(1,2)'],
      isComparable: false,
      unreadable: ["'(NaN,1)'"],
      hasNoDefault: true,
    },
    {
      column: () => point({ mode: 'xy' }),
      exact: [{ x: 0.1, y: 2 }],
      refused: [{ x: 1 }, { x: 1, y: 2, z: 3 }, { x: -0, y: 1 }],
      isComparable: false,
      hasNoDefault: true,
    },
  ],
  macaddr: [
    {
      column: () => macaddr(),
      exact: ['00:00:00:00:00:00', '08:00:2b:01:02:03'],
      refused: ['08:00:2B:01:02:03', '08-00-2b-01-02-03', '08002b010203', '08:00:2b:01:02', 1],
    },
  ],
  macaddr8: [
    {
      column: () => macaddr8(),
      exact: ['08:00:2b:ff:fe:01:02:03'],
      refused: ['08:00:2b:01:02:03', '08:00:2B:ff:fe:01:02:03'],
    },
  ],
  numeric: [
    {
      column: () => numeric({ precision: 12, scale: 2 }),
      exact: ['-9999999999.99', '-0.01', '0.00', '1.50', '9999999999.99'],
      same: [
        ['1.5', '1.50'],
        ['12', '12.00'],
      ],
      refused: [
        '1.005',
        '10000000000',
        '007',
        '-0',
        '-0.00',
        '1.',
        '.5',
        '1e3',
        'NaN',
        'Infinity',
        '',
        ' 1',
        1,
        1n,
      ],
      sums: [
        ['1.50', '0.05', '1.55'],
        ['1.50', 0.1, '1.60'],
        ['1.50', '-2', '-0.50'],
        ['9999999999.99', '0.01', undefined],
      ],
      noAmounts: ['0.001', 1e-9, 'much', null, '1e2'],
    },
    {
      column: () => numeric(),
      exact: ['-1.50', '0', '0.000000000000000000000000000001', '123456789012345678901234567890.5'],
      refused: ['007', '-0', '1e3', 'NaN', 1],
      sums: [['0.1', '0.20', '0.30']],
    },
    {
      column: () => numeric({ precision: 12, scale: 2, mode: 'number' }),
      exact: [-9999999999.99, -0.01, 0, 1.5, 9999999999.99],
      refused: [1.005, 1e10, 1e-9, -0, Number.NaN, '1.5', 1n],
      sums: [
        [0.1, 0.2, 0.3],
        [9999999999.99, 0.01, undefined],
      ],
      noAmounts: [1e-9, 0.001, '1', Number.NaN],
      unreadable: ["'NaN'"],
    },
    {
      column: () => numeric({ precision: 40, scale: 0, mode: 'bigint' }),
      exact: [-(10n ** 40n) + 1n, -1n, 0n, 2n ** 64n, 10n ** 40n - 1n],
      refused: [10n ** 40n, 1, '1'],
      sums: [
        [2n ** 64n, 1n, 2n ** 64n + 1n],
        [10n ** 40n - 1n, 1n, undefined],
      ],
      unreadable: ["'NaN'"],
      hasNoDefault: true,
    },
    {
      column: () => numeric({ mode: 'bigint' }),
      exact: [-(10n ** 39n), 0n, 2n ** 64n],
      refused: [1],
      sums: [[-(10n ** 39n), 1, 1n - 10n ** 39n]],
      unreadable: ["'1.5'", "'NaN'"],
      hasNoDefault: true,
    },
    { column: () => numeric({ mode: 'number' }), refused: 'must name a precision of at most 15' },
    {
      column: () => numeric({ precision: 20, scale: 2, mode: 'number' }),
      refused: 'must name a precision of at most 15',
    },
    { column: () => numeric({ precision: 20, scale: 2, mode: 'bigint' }), refused: 'must have the scale 0' },
    { column: () => numeric({ scale: 2 } as never), refused: 'names a scale without a precision' },
    { column: () => numeric({ precision: 5, scale: -2 }), refused: 'must have a precision of 1 to 1000' },
  ],
  real: [
    {
      column: () => real(),
      exact: [-3.4028235e38, 0, 1e-45, 0.1, 16777216, 1e30],
      refused: [0.1 + 0.2, 16777217, 1e39, 1e-50, -0, Number.NaN, '1'],
      sums: [[0.25, 0.5, 0.75]],
      noAmounts: [0.123456789, '1'],
      unreadable: ["'NaN'", "'-Infinity'"],
    },
  ],
  smallint: [
    {
      column: () => smallint(),
      exact: [-(2 ** 15), 0, 2 ** 15 - 1],
      refused: [...NO_INTEGER, 2 ** 15],
      sums: [
        [1, 2, 3],
        [2 ** 15 - 1, 1, undefined],
      ],
    },
  ],
  text: [
    { column: () => text(), exact: TEXTS, refused: NO_TEXT },
    { column: () => text({ enum: ['new', 'Old'] }), exact: ['new', 'Old'], refused: ['old', ''] },
  ],
  time: [
    {
      column: () => time(),
      exact: ['00:00:00', '12:30:00.000001', '23:59:59.999999', '24:00:00'],
      refused: ['now', '12:30', '12:30:00Z', '12:30:00.50', '12:30:00.1234567', '25:00:00', 'allballs', ''],
    },
    { column: () => time({ precision: 0 }), exact: ['00:00:00', '23:59:59'], refused: ['12:30:00.5'] },
    { column: () => time({ withTimezone: true }), refused: 'must be time() without a zone' },
  ],
  timestamp: [
    {
      column: () => timestamp({ withTimezone: true, precision: 3 }),
      exact: [
        at('0001-01-01T00:00:00Z'),
        at('0099-06-01T12:30:00.500Z'),
        at('2030-01-01T00:00:00.001Z'),
        at('9999-12-31T23:59:59.999Z'),
      ],
      refused: [at('no'), at('+010000-01-01T00:00:00Z'), 'now', 0],
      unreadable: ["'infinity'", "'-infinity'", "'10000-01-01'", "'294276-12-31'", "'0045-02-29 BC'"],
    },
    {
      column: () => timestamp({ mode: 'string' }),
      exact: [
        '0001-01-01 00:00:00',
        '0099-06-01 12:30:00.5',
        '2024-02-29 23:59:59.999999',
        '9999-12-31 00:00:00',
      ],
      refused: [
        'now',
        'today',
        'infinity',
        'epoch',
        '2024-02-03T00:00:00',
        '2024-02-03 00:00:00+02',
        '2024-02-30 00:00:00',
        '2024-02-03 00:00:00.1234567',
        '2024-02-03 00:00:00.50',
        '02/03/2024',
        at('2024-02-03'),
      ],
    },
    {
      column: () => timestamp({ mode: 'string', precision: 2 }),
      exact: ['2024-02-29 23:59:59.99'],
      refused: ['2024-02-29 23:59:59.999'],
    },
    {
      column: () => timestamp({ mode: 'string', withTimezone: true }),
      refused: 'as text its offset would be lost',
    },
    { column: () => timestamp({ withTimezone: true, precision: 2 }), refused: 'precision: 3' },
    { column: () => timestamp({ withTimezone: true }), refused: 'precision: 3' },
    { column: () => timestamp({ precision: 3 }), refused: 'precision: 3' },
    { column: () => timestamp({ withTimezone: true, precision: 0 }).array(), refused: 'precision: 3' },
  ],
  uuid: [
    {
      column: () => uuid(),
      exact: [
        '00000000-0000-0000-0000-000000000000',
        '11111111-1111-1111-1111-111111111111',
        '018f4e9c-1111-7111-8111-111111111111',
        'ffffffff-ffff-ffff-ffff-ffffffffffff',
      ],
      refused: [
        'FFFFFFFF-ffff-ffff-ffff-ffffffffffff',
        '{11111111-1111-1111-1111-111111111111}',
        '11111111111111111111111111111111',
        '',
        1,
      ],
    },
  ],
  varchar: [
    {
      column: () => varchar({ length: 5 }),
      exact: ['', ' ', 'abcde', '\ufeff', '\u{1F600}\u{1F600}\u{1F600}\u{1F600}\u{1F600}'],
      refused: ['abcdef', 'abcde ', ...NO_TEXT],
    },
    { column: () => varchar(), exact: TEXTS, refused: NO_TEXT },
    { column: () => varchar({ length: 2, enum: ['abc'] }), refused: 'which is longer than 2 characters' },
  ],
  bit: [
    {
      column: () => bit({ dimensions: 4 }),
      exact: ['0000', '0101', '1111'],
      refused: ['1', '01010', 'B1', '2222', '', 1],
    },
  ],
  pgEnum: [
    { column: () => mood(), exact: ['zeal', 'Awe', 'a "b", {c}\\'], refused: ['awe', '', 1] },
    { column: () => size(), exact: ['s', 'L'], refused: ['Small', 'l'] },
  ],
}
