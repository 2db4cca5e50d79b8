import type { NamedAction } from '../builders/named-actions.ts'
import type { JsonObject, JsonValue } from '../core/result.ts'
import type { Integrations } from '../integrations/integrations.ts'
import type { Catalog } from '../tools/catalog.ts'
import type { Callables } from '../trpc/callable.ts'
import { actionPaths } from './actions.ts'
import { Components, type DocumentGap } from './components.ts'
import { HEADERS, RESPONSES } from './failures.ts'
import { integrationPaths } from './integrations.ts'
import { COMMON_PARAMETERS } from './operation.ts'
import { procedurePaths, type RestRoute } from './procedures.ts'
import { recordPaths } from './records.ts'

export interface DocumentParts {
  readonly actions: readonly NamedAction[]
  readonly catalog: Catalog
  readonly callables: Callables
  readonly integrations: Pick<Integrations, 'inputSchema' | 'publicIntegrations'>
  readonly routes: readonly RestRoute[]
}

/** What the REST routes of an app are, and what cannot be said of them. */
export interface ApiDocument {
  /** JSON, the same for the same app. */
  readonly text: string
  readonly gaps: readonly DocumentGap[]
}

const DESCRIPTION = `What this app does over HTTP, with JSON. Dates are ISO 8601 text with a zone, and integers that may be
large are decimal text. Every answer is an object: \`success: true\` with \`data\`, or \`success: false\` with \`error\` and
\`code\`. With the header \`Deputy-Dry-Run: true\`, an action answers what it would do; that is not described here.`

/** Describes the REST routes of an app as OpenAPI 3.1. */
export function createDocument(parts: DocumentParts): ApiDocument {
  const { actions, catalog, callables, integrations, routes } = parts
  const users = catalog.get('users')
  if (!users) throw new Error('There is no collection "users"')
  const components = new Components()
  const records = [...catalog.values()].map((entry) => recordPaths(components, entry))
  const paths = Object.assign(
    {},
    ...records,
    actionPaths(components, actions),
    integrationPaths(components, integrations),
    procedurePaths(routes, { components, callables, users }),
  ) as JsonObject
  const sorted = byName(paths)
  const document: JsonObject = {
    openapi: '3.1.0',
    info: { title: 'Server actions', version: '1.0.0', description: DESCRIPTION },
    servers: [{ url: '/', description: 'This server.' }],
    security: [{ bearer: [] }],
    tags: tagsOf(sorted),
    paths: sorted,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      headers: HEADERS,
      parameters: COMMON_PARAMETERS,
      responses: RESPONSES,
      schemas: components.schemas,
    },
  }
  return { text: `${JSON.stringify(document, null, 2)}\n`, gaps: components.gaps }
}

/** A gap, for a person. */
export function formatGap({ of, path, reason }: DocumentGap): string {
  return `The OpenAPI document says nothing of ${of}${path === '' ? '' : ` at ${path}`}: ${reason}`
}

function byName(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).sort(([one], [other]) => (one < other ? -1 : 1)))
}

/** What the groups of the engine's own are about. */
const TAGS: Readonly<Record<string, string>> = {
  actions: 'What the app does as itself.',
  audit: 'Who did what.',
  calls: 'How often what was called.',
  credits: 'What accounts have, and what they spent.',
  data: 'The app’s data as the app reads it, for the owner.',
  integrations: 'Third parties that clients may call.',
  jobs: 'What the app does later.',
  outbox: 'Messages that have not arrived.',
  records: 'The app’s data, under the permissions of the caller.',
  schedules: 'What the app does on its own.',
  status: 'How the server and its database are.',
  users: 'People and their roles.',
}

function tagsOf(paths: JsonObject): JsonValue {
  const used = new Set(
    Object.values(paths)
      .flatMap((path) => Object.values(path as JsonObject))
      .flatMap((each) => (each as JsonObject).tags as string[]),
  )
  return [...used].sort().map((name) => {
    const description = TAGS[name]
    return description === undefined ? { name } : { name, description }
  })
}
