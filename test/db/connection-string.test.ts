import { expect, it } from 'vitest'
import { type ConnectionOptions, parseConnectionString } from '../../server/db/connection-string.ts'

const full = { mode: 'verify-full', rootCert: undefined, cert: undefined, key: undefined }

/** As hosts print them. */
const READ: readonly (readonly [string, Partial<ConnectionOptions> | { tls: object }])[] = [
  [
    'postgres://ada:pw@db.example.com:5433/app',
    { host: 'db.example.com', port: 5433, user: 'ada', password: 'pw', database: 'app' },
  ],
  ['postgresql://ada@localhost', { user: 'ada', password: '', port: 5432, database: 'ada' }],
  [
    'postgres://neondb_owner:npg_x@ep-a-pooler.eu.aws.neon.tech/neondb?sslmode=require&channel_binding=require',
    { host: 'ep-a-pooler.eu.aws.neon.tech', tls: full },
  ],
  ['postgres://u:p@h/d?options=endpoint%3Dep-cool', { options: 'endpoint=ep-cool' }],
  ['postgresql://postgres.ref:pw@aws-0-eu.pooler.supabase.com:5432/postgres', { user: 'postgres.ref' }],
  [
    'postgresql://u:p@/d?host=/cloudsql/project:region:instance',
    { socketDirectory: '/cloudsql/project:region:instance', database: 'd', tls: { mode: 'disable' } },
  ],
  [
    'postgres:///d?host=/var/run/postgresql&user=u',
    { socketDirectory: '/var/run/postgresql', user: 'u', database: 'd' },
  ],
  ['postgres://u:p@%2Fvar%2Frun%2Fpostgresql/d', { socketDirectory: '/var/run/postgresql' }],
  ['postgres://u:p@[::1]:6543/d', { host: '::1', port: 6543 }],
  ['postgres://u%40x:p%40%2F%3A%25@h/d', { user: 'u@x', password: 'p@/:%' }],
  [
    'postgres://u:p@h.rds.amazonaws.com:5432/d?sslmode=verify-full&sslrootcert=/etc/rds.pem',
    { tls: { ...full, rootCert: '/etc/rds.pem' } },
  ],
  [
    'postgres://u:p@h/d?sslmode=require&sslrootcert=/ca.pem',
    { tls: { ...full, mode: 'verify-ca', rootCert: '/ca.pem' } },
  ],
  ['postgres://u:p@h/d?sslrootcert=system', { tls: full }],
  ['postgres://u:p@h/d?channel_binding=require', { tls: full }],
  [
    'postgres://u:p@h/d?sslmode=verify-ca&sslrootcert=/ca.pem&channel_binding=require',
    { tls: { ...full, rootCert: '/ca.pem' } },
  ],
  [
    'postgres://u:p@h/d?sslmode=require&sslcert=/c.pem&sslkey=/k.pem',
    { tls: { ...full, mode: 'require', cert: '/c.pem', key: '/k.pem' } },
  ],
  ['postgres://[fe80::1%25eth0]/d?user=u', { host: 'fe80::1%eth0', user: 'u' }],
  [
    'postgres://u:p@a:5433,[::1],c/d',
    {
      host: 'a',
      port: 5433,
      others: [
        { host: '::1', port: 5432 },
        { host: 'c', port: 5432 },
      ],
      mustWrite: true,
    },
  ],
  ['postgres://u:p@a,b:1/d?target_session_attrs=any', { others: [{ host: 'b', port: 1 }], mustWrite: false }],
  ['postgres://u:p@/d?host=a,b&port=6432', { host: 'a', port: 6432, others: [{ host: 'b', port: 6432 }] }],
  ['postgres://u:p@h/d?host=a,b&port=1,2', { host: 'a', port: 1, others: [{ host: 'b', port: 2 }] }],
  ['postgres://u:p@h/d?target_session_attrs=primary', { others: [], mustWrite: false }],
  ['postgres://u:p@h/d?sslmode=disable', { tls: { ...full, mode: 'disable' } }],
  ['postgres://u:p@h/d', { tls: { ...full, mode: 'prefer' }, applicationName: 'deputy', connectTimeoutS: 5 }],
  [
    'postgres://u:p@h/d?application_name=app&connect_timeout=10&target_session_attrs=read-write&schema=public',
    { applicationName: 'app', connectTimeoutS: 10 },
  ],
]

it.each(READ)('reads %s', (text, expected) => {
  expect(parseConnectionString(text)).toMatchObject({ value: expected })
})

const REFUSED: readonly (readonly [string, string])[] = [
  ['mysql://u:secret@h/d', 'postgres://'],
  ['postgres://u:secret@a,b:99999/d', 'port'],
  ['postgres://u:secret@a,::1/d', 'brackets'],
  ['postgres://u:secret@h/d?host=a,b,c&port=1,2', '2 ports, and hosts: 3'],
  ['postgres://u:secret@h/d?host=a,/var/run', 'unix socket'],
  ['postgres://u:secret@h:99999/d', 'port'],
  ['postgres://u:secret@::1/d', 'brackets'],
  ['postgres://u:sec%ret@h/d', '%25'],
  ['postgres://u:secret@h/d?sslmode=allow', 'sslmode'],
  ['postgres://u:secret@h/d?sslmode=require&sslrootcert=system', 'sslrootcert=system'],
  ['postgres://u:secret@h/d?sslmode=disable&channel_binding=require', 'channel_binding'],
  ['postgres://u:secret@h/d?sslcert=/a', 'sslkey'],
  ['postgres://u:secret@h/d?sslcert=/a&sslkey=/b', 'sslmode=require'],
  ['postgres://u:secret@h/d?sslmode=prefer&sslrootcert=/ca.pem', 'sslmode=require'],
  ['postgres://u:secret@h/d?host=a&port=1,2', '2 ports, and hosts: 1'],
  ['postgres://u:secret@h/d?hostaddr=10.0.0.1', 'hostaddr'],
  ['postgres://u:secret@h/d?sslmode=no-verify', 'disable, prefer, require, verify-ca, verify-full'],
  ['postgres://u:secret@h/d?pgbouncer=yes', 'pgbouncer that is one of true, false'],
  ['postgres://u:secret@h/d?connection_limit=1', 'connection_limit'],
  ['postgres://u:secret@h/d?schema=app', 'schema'],
  ['postgres://u:secret@h/d?options=-c%20search_path%3Dapp', 'schema'],
  ['postgres://u:secret@h/d?target_session_attrs=standby', 'target_session_attrs'],
  ['postgres://u:secret@h/d?sslmode=require&sslmode=disable', 'twice'],
]

it.each(REFUSED)('refuses %s, by name and without the password', (text, name) => {
  const parsed = parseConnectionString(text)
  expect(parsed).toMatchObject({ problem: expect.stringContaining(name) })
  expect(JSON.stringify(parsed)).not.toContain('secret')
})
