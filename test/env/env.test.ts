import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { EnvError, readAppEnv, readEnv, readTokenEnv, readWholeEnv } from '../../server/env/environment.ts'
import { DEFAULT_BUDGETS } from '../../server/ledger/budgets.ts'
import { DEFAULT_RATE_LIMITS } from '../../server/limits/rate-limits.ts'

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const PEM = publicKey.export({ format: 'pem', type: 'spki' }).toString()
const PRIVATE_PEM = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
const SECRET = 's'.repeat(32)
const KEY = { AUTH_JWT_SECRET: SECRET, AUTH_JWT_ISSUER: 'https://issuer.example', AUTH_JWT_AUDIENCE: 'app' }

/** The names that a refusal starts its lines with; none when the environment is usable. */
function refusedNames(env: NodeJS.ProcessEnv): string[] {
  try {
    readEnv(env)
    return []
  } catch (error) {
    if (!(error instanceof EnvError)) throw error
    return error.problems.map((problem) => problem.split(':')[0] ?? '')
  }
}

describe('an empty environment', () => {
  const DEFAULTS = {
    host: '127.0.0.1',
    port: 3000,
    dataDir: '.deputy',
    databaseUrl: undefined,
    databaseDirectUrl: undefined,
    databasePooler: 'auto',
    ownerUserId: 'owner',
    mayActAs: true,
    hasConsole: true,
    auth: { kind: 'development' },
    corsOrigins: [],
    trustedProxies: [],
    rateLimits: DEFAULT_RATE_LIMITS,
    metricsHost: '127.0.0.1',
    metricsPort: undefined,
    slowCallMs: 1_000,
    keepsLog: true,
    isCompressing: true,
    ownerCredits: 'unmetered',
    budgets: DEFAULT_BUDGETS,
    apiWorkerUrl: undefined,
    appOwnerJwt: undefined,
    allowPrivateUpstreams: [],
    logLevel: 'info',
  }
  const NAMES =
    'METRICS_HOST METRICS_PORT AUDIT_LOG SLOW_CALL_MS TRUSTED_PROXIES RATE_LIMIT_USER RATE_LIMIT_ANONYMOUS RATE_LIMIT_FAILING RATE_LIMIT_INTEGRATIONS COMPRESSION OWNER_CREDITS BUDGET_CALLER_CALLS BUDGET_CALLER_CREDITS BUDGET_ACTION_CALLS BUDGET_ACTION_CREDITS BUDGET_APP_CALLS BUDGET_APP_CREDITS BUDGET_ANONYMOUS_CALLS BUDGET_ANONYMOUS_CREDITS HOST PORT DATA_DIR DATABASE_URL DATABASE_DIRECT_URL DATABASE_POOLER OWNER_USER_ID AUTH_JWT_ISSUER AUTH_JWT_AUDIENCE AUTH_AUTHORIZED_PARTIES MCP_URL AUTH_JWKS_URL AUTH_JWT_PUBLIC_KEY AUTH_JWT_SECRET CORS_ORIGINS PLATFORM_URL API_WORKER_URL APP_OWNER_JWT ALLOW_PRIVATE_UPSTREAMS LOG_LEVEL'

  it('serves on the loopback interface with the development key', () => {
    expect(readEnv({})).toMatchObject(DEFAULTS)
  })

  it('is the same as one where every name is set to nothing', () => {
    const empty = Object.fromEntries(NAMES.split(' ').map((name) => [name, '']))
    expect(readEnv(empty)).toEqual(readEnv({}))
  })
})

describe('a value', () => {
  it.each([
    [{ HOST: '127.0.0.2' }, { host: '127.0.0.2' }],
    [{ HOST: 'localhost' }, { host: 'localhost' }],
    [{ HOST: '::1' }, { host: '::1' }],
    [
      { HOST: '0.0.0.0', ...KEY },
      { host: '0.0.0.0', ownerUserId: undefined },
    ],
    [{ PORT: '0' }, { port: 0 }],
    [{ PORT: '65535' }, { port: 65_535 }],
    [{ SLOW_CALL_MS: '0' }, { slowCallMs: 0 }],
    [{ AUDIT_LOG: 'off' }, { keepsLog: false }],
    [{ SLOW_CALL_MS: 'none' }, { slowCallMs: 'none' }],
    [{ METRICS_PORT: '0' }, { metricsPort: 0 }],
    [
      { METRICS_PORT: '9464', METRICS_HOST: '0.0.0.0' },
      { metricsPort: 9464, metricsHost: '0.0.0.0' },
    ],
    [{ DATA_DIR: '/var/deputy' }, { dataDir: '/var/deputy' }],
    [{ DATABASE_URL: 'postgres://a:b@db/app' }, { databaseUrl: 'postgres://a:b@db/app' }],
    [{ DATABASE_URL: 'postgresql://db/app' }, { databaseUrl: 'postgresql://db/app' }],
    [
      { DATABASE_URL: 'postgres://db:6543/app', DATABASE_DIRECT_URL: 'postgres://db/app' },
      { databaseUrl: 'postgres://db:6543/app', databaseDirectUrl: 'postgres://db/app' },
    ],
    [
      { DATABASE_URL: 'postgres://db/app', DATABASE_POOLER: 'transaction' },
      { databaseUrl: 'postgres://db/app', databasePooler: 'transaction' },
    ],
    [{ OWNER_USER_ID: 'ada' }, { ownerUserId: 'ada' }],
    [
      {
        CORS_ORIGINS: 'https://a.example, http://localhost:5173, capacitor://localhost, https://*.b.example,',
      },
      {
        corsOrigins: [
          'https://a.example',
          'http://localhost:5173',
          'capacitor://localhost',
          'https://*.b.example',
        ],
      },
    ],
    [{ TRUSTED_PROXIES: '10.0.0.1' }, { trustedProxies: [[{ octets: [10, 0, 0, 1] }, 32]] }],
    [
      { TRUSTED_PROXIES: '10.0.0.0/8, ::1,' },
      {
        trustedProxies: [
          [{ octets: [10, 0, 0, 0] }, 8],
          [{ parts: [0, 0, 0, 0, 0, 0, 0, 1] }, 128],
        ],
      },
    ],
    [{ CONSOLE: 'off' }, { hasConsole: false }],
    [KEY, { hasConsole: false }],
    [{ ...KEY, CONSOLE: 'on' }, { hasConsole: true }],
    [{ ACT_AS: 'off' }, { mayActAs: false }],
    [KEY, { mayActAs: false }],
    [{ ...KEY, ACT_AS: 'on' }, { mayActAs: true }],
    [{ COMPRESSION: 'on' }, { isCompressing: true }],
    [{ COMPRESSION: 'off' }, { isCompressing: false }],
    [
      { RATE_LIMIT_USER: '1', RATE_LIMIT_ANONYMOUS: '1000000', RATE_LIMIT_FAILING: 'none' },
      { rateLimits: { ...DEFAULT_RATE_LIMITS, user: 1, anonymous: 1_000_000, failing: 'none' } },
    ],
    [{ RATE_LIMIT_INTEGRATIONS: 'none' }, { rateLimits: { ...DEFAULT_RATE_LIMITS, integrations: 'none' } }],
    [KEY, { ownerCredits: 0 }],
    [{ ...KEY, OWNER_CREDITS: 'unmetered' }, { ownerCredits: 'unmetered' }],
    [{ OWNER_CREDITS: '0' }, { ownerCredits: 0 }],
    [{ OWNER_CREDITS: '9000000000000000' }, { ownerCredits: 9_000_000_000_000_000 }],
    [
      { BUDGET_CALLER_CALLS: '1', BUDGET_CALLER_CREDITS: '2' },
      { budgets: { ...DEFAULT_BUDGETS, caller: { calls: 1, credits: 2 } } },
    ],
    [
      { BUDGET_ACTION_CALLS: '0', BUDGET_ACTION_CREDITS: 'none' },
      { budgets: { ...DEFAULT_BUDGETS, action: { calls: 0, credits: undefined } } },
    ],
    [
      { BUDGET_APP_CALLS: 'none', BUDGET_APP_CREDITS: '9000000000000000' },
      { budgets: { ...DEFAULT_BUDGETS, app: { calls: undefined, credits: 9_000_000_000_000_000 } } },
    ],
    [
      { BUDGET_ANONYMOUS_CALLS: '0', BUDGET_ANONYMOUS_CREDITS: '0' },
      { budgets: { ...DEFAULT_BUDGETS, anonymous: { calls: 0, credits: 0 } } },
    ],
    [{ API_WORKER_URL: 'https://api.example/base' }, { apiWorkerUrl: new URL('https://api.example/base') }],
    [{ APP_OWNER_JWT: 'a.b-c.d_e' }, { appOwnerJwt: 'a.b-c.d_e' }],
    [{ LOG_LEVEL: 'silent' }, { logLevel: 'silent' }],
    [
      KEY,
      {
        auth: {
          kind: 'configured',
          key: { kind: 'secret', secret: SECRET },
          issuer: 'https://issuer.example',
          audience: 'app',
          authorizedParties: undefined,
        },
      },
    ],
    [{ ...KEY, AUTH_AUTHORIZED_PARTIES: 'web, app' }, { auth: { authorizedParties: ['web', 'app'] } }],
    [
      { ...KEY, AUTH_JWT_SECRET: '', AUTH_JWT_PUBLIC_KEY: PEM },
      { auth: { key: { kind: 'publicKey', pem: PEM } } },
    ],
    [
      { ...KEY, AUTH_JWT_SECRET: '', AUTH_JWT_PUBLIC_KEY: PEM.replaceAll('\n', '\\n') },
      { auth: { key: { kind: 'publicKey' } } },
    ],
    [
      { ...KEY, AUTH_JWT_SECRET: '', AUTH_JWKS_URL: 'https://a.example/jwks' },
      { auth: { key: { kind: 'jwks', url: new URL('https://a.example/jwks') } } },
    ],
    [{ NODE_ENV: 'production', DATA_DIR: '/data', ...KEY }, { dataDir: '/data' }],
    [{ NODE_ENV: 'production', DATABASE_URL: 'postgres://db/app', ...KEY }, { ownerUserId: undefined }],
  ])('%j is read', (env, expected) => {
    expect(readEnv(env)).toMatchObject(expected)
  })

  it.each<[NodeJS.ProcessEnv, string]>([
    [{ PORT: '-1' }, 'PORT'],
    [{ PORT: '65536' }, 'PORT'],
    [{ METRICS_PORT: '65536' }, 'METRICS_PORT'],
    [{ SLOW_CALL_MS: '1e3' }, 'SLOW_CALL_MS'],
    [{ SLOW_CALL_MS: '-1' }, 'SLOW_CALL_MS'],
    [{ AUDIT_LOG: 'no' }, 'AUDIT_LOG'],
    [{ METRICS_PORT: 'on' }, 'METRICS_PORT'],
    [{ PORT: '3000.5' }, 'PORT'],
    [{ PORT: '0x10' }, 'PORT'],
    [{ PORT: ' 80' }, 'PORT'],
    [{ DATABASE_URL: 'mysql://db/app' }, 'DATABASE_URL'],
    [{ DATABASE_URL: 'db/app' }, 'DATABASE_URL'],
    [{ DATABASE_POOLER: 'statement' }, 'DATABASE_POOLER'],
    [{ DATABASE_DIRECT_URL: 'postgres://db/app' }, 'DATABASE_DIRECT_URL'],
    [{ DATABASE_URL: 'postgres://db/app', DATABASE_DIRECT_URL: 'db/app' }, 'DATABASE_DIRECT_URL'],
    [
      { DATABASE_URL: 'postgres://db/app', DATABASE_DIRECT_URL: 'postgres://db/app?pgbouncer=true' },
      'DATABASE_DIRECT_URL',
    ],
    [{ OWNER_USER_ID: 'a'.repeat(256) }, 'OWNER_USER_ID'],
    [{ OWNER_USER_ID: 'owner\n' }, 'OWNER_USER_ID'],
    [{ OWNER_USER_ID: '__proto__' }, 'OWNER_USER_ID'],
    [{ CORS_ORIGINS: '*' }, 'CORS_ORIGINS'],
    [{ CORS_ORIGINS: 'https://a.example/' }, 'CORS_ORIGINS'],
    [{ CORS_ORIGINS: 'https://a.example,b.example' }, 'CORS_ORIGINS'],
    [{ CORS_ORIGINS: 'null' }, 'CORS_ORIGINS'],
    [{ CORS_ORIGINS: 'https://*.com' }, 'CORS_ORIGINS'],
    [{ TRUSTED_PROXIES: '*' }, 'TRUSTED_PROXIES'],
    [{ TRUSTED_PROXIES: '10.0.0.0/8,proxy.internal' }, 'TRUSTED_PROXIES'],
    [{ TRUSTED_PROXIES: '0.0.0.0/0' }, 'TRUSTED_PROXIES'],
    [{ COMPRESSION: 'false' }, 'COMPRESSION'],
    [{ COMPRESSION: 'OFF' }, 'COMPRESSION'],
    [{ RATE_LIMIT_USER: '0' }, 'RATE_LIMIT_USER'],
    [{ RATE_LIMIT_ANONYMOUS: '1e3' }, 'RATE_LIMIT_ANONYMOUS'],
    [{ RATE_LIMIT_FAILING: 'None' }, 'RATE_LIMIT_FAILING'],
    [{ RATE_LIMIT_INTEGRATIONS: '1000001' }, 'RATE_LIMIT_INTEGRATIONS'],
    [{ OWNER_CREDITS: 'none' }, 'OWNER_CREDITS'],
    [{ OWNER_CREDITS: '-1' }, 'OWNER_CREDITS'],
    [{ OWNER_CREDITS: '9000000000000001' }, 'OWNER_CREDITS'],
    [{ OWNER_CREDITS: '10000000000000000' }, 'OWNER_CREDITS'],
    [{ OWNER_CREDITS: 'NaN' }, 'OWNER_CREDITS'],
    ...['-1', '+1', '1.5', '1e6', '0x10', ' 1', '1_000', 'Infinity', 'unmetered', '9000000000000001'].map(
      (value): [NodeJS.ProcessEnv, string] => [{ BUDGET_CALLER_CREDITS: value }, 'BUDGET_CALLER_CREDITS'],
    ),
    [{ BUDGET_CALLER_CALLS: '-1' }, 'BUDGET_CALLER_CALLS'],
    [{ BUDGET_ACTION_CALLS: 'x' }, 'BUDGET_ACTION_CALLS'],
    [{ BUDGET_ACTION_CREDITS: 'x' }, 'BUDGET_ACTION_CREDITS'],
    [{ BUDGET_APP_CALLS: 'x' }, 'BUDGET_APP_CALLS'],
    [{ BUDGET_APP_CREDITS: 'x' }, 'BUDGET_APP_CREDITS'],
    [{ BUDGET_ANONYMOUS_CALLS: 'x' }, 'BUDGET_ANONYMOUS_CALLS'],
    [{ BUDGET_ANONYMOUS_CREDITS: 'x' }, 'BUDGET_ANONYMOUS_CREDITS'],
    [{ API_WORKER_URL: 'ftp://api.example' }, 'API_WORKER_URL'],
    [{ APP_OWNER_JWT: 'a.b' }, 'APP_OWNER_JWT'],
    [{ APP_OWNER_JWT: 'a.b.c\n' }, 'APP_OWNER_JWT'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL'],
    [{ ...KEY, AUTH_JWT_SECRET: 's'.repeat(31) }, 'AUTH_JWT_SECRET'],
    [{ ...KEY, AUTH_JWT_SECRET: '', AUTH_JWT_PUBLIC_KEY: 'a key' }, 'AUTH_JWT_PUBLIC_KEY'],
    [{ ...KEY, AUTH_JWT_SECRET: '', AUTH_JWT_PUBLIC_KEY: PRIVATE_PEM }, 'AUTH_JWT_PUBLIC_KEY'],
    [{ ...KEY, AUTH_JWT_SECRET: '', AUTH_JWKS_URL: 'a.example/jwks' }, 'AUTH_JWKS_URL'],
    [{ ...KEY, AUTH_JWT_SECRET: '', AUTH_JWKS_URL: 'https://a:b@a.example/jwks' }, 'AUTH_JWKS_URL'],
    [{ ...KEY, AUTH_JWT_ISSUER: '' }, 'AUTH_JWT_ISSUER'],
    [{ ...KEY, AUTH_JWT_AUDIENCE: '' }, 'AUTH_JWT_AUDIENCE'],
    [{ ...KEY, AUTH_JWKS_URL: 'https://a.example/jwks' }, 'AUTH_JWKS_URL, AUTH_JWT_SECRET'],
    [{ ...KEY, AUTH_JWT_PUBLIC_KEY: PEM }, 'AUTH_JWT_PUBLIC_KEY, AUTH_JWT_SECRET'],
    [{ AUTH_JWT_ISSUER: 'https://issuer.example' }, 'AUTH_JWT_ISSUER'],
    [{ AUTH_JWT_AUDIENCE: 'app' }, 'AUTH_JWT_AUDIENCE'],
    [{ AUTH_AUTHORIZED_PARTIES: 'web' }, 'AUTH_AUTHORIZED_PARTIES'],
    [{ MCP_URL: 'https://api.example/mcp' }, 'MCP_URL'],
    [{ ...KEY, MCP_URL: 'api.example/mcp' }, 'MCP_URL'],
    [{ ...KEY, MCP_URL: 'https://api.example/mcp?a=1' }, 'MCP_URL'],
    [
      { ...KEY, AUTH_JWT_AUDIENCE: 'app,https://api.example/mcp', MCP_URL: 'https://api.example/mcp' },
      'AUTH_JWT_AUDIENCE',
    ],
    [{ HOST: '0.0.0.0' }, 'HOST'],
    [{ HOST: '::' }, 'HOST'],
    [{ HOST: '192.168.1.5' }, 'HOST'],
    [{ HOST: '127.0.0.1.example.com' }, 'HOST'],
    [{ HOST: 'localhost.example.com' }, 'HOST'],
  ])('%j is refused by name', (env, name) => {
    expect(refusedNames(env)).toEqual([name])
  })
})

describe('in production', () => {
  it('the development key, and data in a place that nobody chose, are both refused', () => {
    expect(refusedNames({ NODE_ENV: 'production' })).toEqual([
      'DATABASE_URL',
      'AUTH_JWKS_URL, AUTH_JWT_PUBLIC_KEY, AUTH_JWT_SECRET',
    ])
  })
})

describe('a refusal', () => {
  it('names everything that is wrong at once, the app’s names included, and quotes no value', () => {
    const appEnv = z.object({ PLATFORM_URL: z.url(), SEATS: z.coerce.number().int() })
    const env = {
      PORT: 'hunter2',
      LOG_LEVEL: 'hunter2',
      AUTH_JWT_SECRET: 'hunter2',
      PLATFORM_URL: 'hunter2',
      SEATS: '1.5',
    }
    const read = () => readWholeEnv(appEnv, { urls: [], secrets: [] }, env)
    expect(read).toThrow(EnvError)
    for (const name of Object.keys(env)) expect(read).toThrow(new RegExp(`^ {2}${name}: `, 'm'))
    expect(read).not.toThrow(/hunter2/)
  })

  it('names what is wrong alone beside what is wrong together', () => {
    expect(refusedNames({ PORT: 'x', NODE_ENV: 'production' })).toEqual([
      'PORT',
      'DATABASE_URL',
      'AUTH_JWKS_URL, AUTH_JWT_PUBLIC_KEY, AUTH_JWT_SECRET',
    ])
    expect(refusedNames({ PORT: 'x', LOG_LEVEL: 'x', HOST: '0.0.0.0' })).toEqual([
      'PORT',
      'LOG_LEVEL',
      'HOST',
    ])
  })

  it('does not say of a bad value that it is missing', () => {
    const env = { NODE_ENV: 'production', DATABASE_URL: 'x', AUTH_JWT_SECRET: 'x', HOST: '0.0.0.0' }
    expect(refusedNames(env)).toEqual(['DATABASE_URL', 'AUTH_JWT_SECRET'])
  })
})

describe("the app's environment", () => {
  it('is what its schema names and nothing else', () => {
    const schema = z.object({ PLATFORM_URL: z.url().optional() })
    const source = { PLATFORM_URL: 'https://a.example', AUTH_JWT_SECRET: SECRET }
    expect(readAppEnv(schema, source)).toEqual({ PLATFORM_URL: 'https://a.example' })
    expect(readAppEnv(schema, { PLATFORM_URL: '' })).toEqual({})
  })
})

describe('the environment of the token command', () => {
  it('has the development key where the server has it, and says why not otherwise', () => {
    expect(readTokenEnv({ DATA_DIR: '/tmp/a' })).toEqual({ dataDir: '/tmp/a', developmentKey: true })
    expect(readTokenEnv(KEY)).toMatchObject({
      developmentKey: false,
      reason: expect.stringContaining('AUTH_JWT_SECRET'),
    })
  })
})

describe('what integrations name', () => {
  const names = { urls: ['SHOP_BASE_URL'], secrets: ['SHOP_KEY'] }
  const read = (env: NodeJS.ProcessEnv) => readEnv(env, names).integrations

  it.each([
    ['production', 'k', true],
    ['production', 'seven77', true],
    ['production', 'eight888', false],
    ['production', '', false],
    ['development', 'k', false],
  ])(
    'refuse a secret that is too short to be taken out of answers: %s, %j',
    (NODE_ENV, SHOP_KEY, isRefused) => {
      const readIt = () => readEnv({ ...KEY, NODE_ENV, DATA_DIR: '/data', SHOP_KEY }, names)
      if (!isRefused) return expect(readIt).not.toThrow()
      return expect(readIt).toThrow(/SHOP_KEY: must have at least 8 characters/)
    },
  )

  it('is read, and nothing else; set to nothing it is not set', () => {
    const env = { SHOP_BASE_URL: 'https://shop.example/v1', SHOP_KEY: 'Key ü', OTHER_KEY: 'x' }
    expect([...read(env)]).toEqual([
      ['SHOP_BASE_URL', 'https://shop.example/v1'],
      ['SHOP_KEY', 'Key ü'],
    ])
    expect([...read({ SHOP_BASE_URL: '', SHOP_KEY: '' })]).toEqual([])
  })

  it.each([
    ['SHOP_BASE_URL', 'hidden'],
    ['SHOP_BASE_URL', 'ftp://hidden'],
    ['SHOP_BASE_URL', 'https://hidden@shop.example'],
    ['SHOP_BASE_URL', 'https://user:hidden@shop.example'],
    ['SHOP_BASE_URL', 'https://shop.example/?key=hidden'],
    ['SHOP_BASE_URL', 'https://shop.example/#hidden'],
    ['SHOP_KEY', 'hidden\r\nX-Admin: 1'],
    ['SHOP_KEY', 'hidden\n'],
    ['SHOP_KEY', 'hidden\u0000'],
    ['SHOP_KEY', 'hidden✓'],
    ['SHOP_KEY', ' hidden'],
  ])('%s as %j is refused without its value, beside what else is wrong', (name, value) => {
    try {
      read({ [name]: value, PORT: 'x' })
      expect.unreachable()
    } catch (error) {
      const problems = error instanceof EnvError ? error.problems : []
      expect(problems.map((problem) => problem.split(':')[0])).toEqual([name, 'PORT'])
      expect(problems.join()).not.toContain('hidden')
    }
  })
})

describe('ALLOW_PRIVATE_UPSTREAMS', () => {
  it('is a list of hosts and ports', () => {
    const targets = '127.0.0.1:5000, libretranslate:5000,[::1]:80'
    expect(readEnv({ ALLOW_PRIVATE_UPSTREAMS: targets }).allowPrivateUpstreams).toEqual([
      '127.0.0.1:5000',
      'libretranslate:5000',
      '[::1]:80',
    ])
  })

  it.each([
    '127.0.0.1',
    'http://127.0.0.1:80',
    '10.0.0.0/8:80',
    ':80',
    'a:0',
    'a:65536',
    '::1:80',
    '[x]:80',
    '*:80',
  ])('takes no %j', (target) => {
    expect(refusedNames({ ALLOW_PRIVATE_UPSTREAMS: target })).toEqual(['ALLOW_PRIVATE_UPSTREAMS'])
  })
})
