import { z } from 'zod'
import { isUserId, USER_ID_RULE } from '../auth/actor.ts'
import { parseRange } from '../auth/client-address.ts'
import { parseOrigin } from '../auth/origin.ts'
import { parseConnectionString } from '../db/connection-string.ts'
import { POOLER_MODES } from '../db/pooler-mode.ts'
import { DEFAULT_CALLER_SHARE } from '../invocation/call-slots.ts'
import { consoleShape } from './console.ts'
import { liveLimitsShape } from './live-limits.ts'
import { moneyShape } from './money.ts'
import { rateLimitsShape } from './rate-limits.ts'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
/** Where the keys come from: one of them. */
export const KEY_NAMES = ['AUTH_JWKS_URL', 'AUTH_JWT_PUBLIC_KEY', 'AUTH_JWT_SECRET'] as const
/** Who may see what describes the app: everyone, who has a valid token, or no one. */
export const API_DOCS = ['public', 'users', 'off'] as const
const MIN_SECRET_BYTES = 32

/** What may be in front of the database, and whether to find that out. */
export const POOLER_SETTINGS = ['auto', ...POOLER_MODES] as const
const connectionString = z.string().superRefine((text, check) => {
  const parsed = parseConnectionString(text)
  if ('problem' in parsed) check.addIssue({ code: 'custom', message: parsed.problem })
})
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
)
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' })

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port number')
  .transform(Number)
  .refine((number) => number <= 65_535, 'must be a port number from 0 to 65535')

/** The server's environment, as text that it turns into values. */
export const serverSchema = z.object({
  NODE_ENV: z.string().optional(),
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(3000),
  METRICS_HOST: z.string().default('127.0.0.1'),
  METRICS_PORT: port.optional(),
  DATA_DIR: z.string().optional(),
  DATABASE_URL: connectionString.optional(),
  DATABASE_DIRECT_URL: connectionString
    .refine(
      (text) => !/[?&]pgbouncer=true/.test(text),
      'has pgbouncer=true, which marks a pooler in transaction mode; it must lead to the database itself, or to a pooler in session mode',
    )
    .optional(),
  DATABASE_POOLER: z
    .enum(POOLER_SETTINGS, `must be one of ${POOLER_SETTINGS.join(', ')}: what is in front of the database`)
    .default('auto'),
  ACT_AS: z.enum(['on', 'off'], 'must be on or off: whether the owner may call as another user').optional(),
  OWNER_USER_ID: z.string().refine(isUserId, `must be ${USER_ID_RULE}`).optional(),
  JOBS_KEPT_DAYS: z
    .string()
    .regex(/^\d{1,4}$/, 'must be a whole number of days')
    .transform(Number)
    .default(7),
  CALLER_SHARE: z
    .string()
    .regex(/^(?:[1-9]\d?|100)$/, 'must be a whole number of percent, from 1 to 100')
    .transform((percent) => Number(percent) / 100)
    .default(DEFAULT_CALLER_SHARE),
  AUTH_JWT_ISSUER: z.string().optional(),
  AUTH_JWT_AUDIENCE: list.optional(),
  AUTH_AUTHORIZED_PARTIES: list.optional(),
  MCP_URL: httpUrl
    .transform((url) => new URL(url))
    .refine(
      ({ username, password, search, hash }) => `${username}${password}${search}${hash}` === '',
      'must be the address that agents call, as https://api.example.com/mcp, without user, query and fragment',
    )
    .transform(({ href }) => href)
    .optional(),
  AUTH_ROLE_CLAIM: z
    .string()
    .regex(/\S/, 'must be the name or the path of a claim, such as realm_access.roles')
    .optional(),
  AUTH_JWKS_URL: httpUrl.optional(),
  AUTH_JWT_PUBLIC_KEY: z.string().optional(),
  AUTH_JWT_SECRET: z
    .string()
    .refine(
      (secret) => Buffer.byteLength(secret) >= MIN_SECRET_BYTES,
      `must be at least ${MIN_SECRET_BYTES} bytes long`,
    )
    .optional(),
  ...consoleShape,
  API_DOCS: z
    .enum(API_DOCS, `must be one of ${API_DOCS.join(', ')}: who sees what describes the app`)
    .optional(),
  CORS_ORIGINS: list
    .transform((texts, ctx) =>
      texts.flatMap((text) => {
        const parsed = parseOrigin(text)
        if ('origin' in parsed) return [parsed.origin]
        ctx.addIssue({ code: 'custom', message: parsed.problem })
        return []
      }),
    )
    .default([]),
  TRUSTED_PROXIES: list
    .transform((texts) => texts.map(parseRange))
    .refine(
      (ranges) => !ranges.includes(undefined),
      'must be addresses and ranges such as 10.0.0.1 and 10.0.0.0/8, comma-separated; a range of everybody is none',
    )
    .transform((ranges) => ranges.filter((range) => range !== undefined))
    .default([]),
  COMPRESSION: z.enum(['on', 'off'], 'must be on, or off where a proxy compresses the answers').default('on'),
  API_WORKER_URL: httpUrl
    .transform((url) => new URL(url))
    .refine(
      ({ username, password, search, hash }) => `${username}${password}${search}${hash}` === '',
      'must be an address without user, query and fragment',
    )
    .optional(),
  APP_OWNER_JWT: z
    .string()
    .regex(/^[\w-]+\.[\w-]+\.[\w-]+$/, 'must be a JWT')
    .optional(),
  ...moneyShape,
  ...rateLimitsShape,
  ...liveLimitsShape,
  ALLOW_PRIVATE_UPSTREAMS: list
    .refine(
      (targets) => targets.every(isHostAndPort),
      'must be host:port such as 127.0.0.1:5000 or [::1]:80, comma-separated',
    )
    .default([]),
  AUDIT_LOG: z
    .enum(['on', 'off'], 'must be on, or off where what calls log is not to be kept with the audit')
    .default('on'),
  SLOW_CALL_MS: z
    .string()
    .regex(/^(?:\d{1,6}|none)$/, 'must be milliseconds from 0 to 999999, or none')
    .transform((text) => (text === 'none' ? text : Number(text)))
    .default(1_000),
  LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).default('info'),
})

export type ParsedEnv = z.output<typeof serverSchema>

function isHostAndPort(text: string): boolean {
  const [, host = '', port = ''] = /^(\[[\da-f:.]+\]|[\w.-]+):(\d{1,5})$/i.exec(text) ?? []
  return URL.canParse(`http://${host}`) && Number(port) >= 1 && Number(port) <= 65_535
}
