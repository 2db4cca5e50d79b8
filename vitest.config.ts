import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import packageJson from './package.json' with { type: 'json' }
import { PATIENCE_MS } from './test/support/patience.ts'

const EXPORTS: Readonly<Record<string, { readonly 'deputy-source': string }>> = packageJson.exports
/** The app's files import the package by its name: here that is the source, in tests and in what sets them up. */
const resolve = {
  alias: Object.entries(EXPORTS).map(([entry, { 'deputy-source': source }]) => ({
    find: new RegExp(`^deputyjs${entry.slice(1)}$`),
    replacement: join(import.meta.dirname, source),
  })),
}
const shared = {
  environment: 'node' as const,
  testTimeout: 120_000,
  hookTimeout: 180_000,
  pool: 'forks' as const,
  expect: { poll: { timeout: PATIENCE_MS } },
  setupFiles: [
    'test/support/end-children.ts',
    'test/support/hold-contract.ts',
    'test/support/patient-waits.ts',
    'test/support/away-from-midnight.ts',
  ],
}
/** Behaviour that no database can change. */
const WITHOUT_DATABASE = [
  'test/architecture/**/*.test.ts',
  'test/audit/failure-samples.test.ts',
  'test/auth/**/*.test.ts',
  'test/bench/**/*.test.ts',
  'test/cli/**/*.test.ts',
  'test/client/{apply-changes,idempotency-key,live-connection,runtimes,submissions}.test.ts',
  'test/core/**/*.test.ts',
  'test/db/{batches,classes,connection-string,directory-lock,lost-session,to-statement}.test.ts',
  'test/demo/**/*.test.ts',
  'test/drizzle/definition.test.ts',
  'test/env/**/*.test.ts',
  'test/guard/**/*.test.ts',
  'test/mcp/agent-meta.test.ts',
  'test/http/{accept-encoding,development-sign-in,page-slots,refusal-pacer}.test.ts',
  'test/integrations/{address,answers,public-integrations,definition,direct,plan,redaction,shipped}.test.ts',
  'test/integrations/{http-client,http-faults,http-secrets,outbound-tls,refused-addresses}.test.ts',
  'test/invocation/{call-slots,stopwatch,turns}.test.ts',
  'test/lifecycle/{agent-tokens,doctor-agents,doctor-console,log,server-process,server-refusals,server-schedules,sign-in-services,uncaught}.test.ts',
  'test/limits/{action-limit,bucket}.test.ts',
  'test/openapi/compare.test.ts',
  'test/package/**/*.test.ts',
  'test/metrics/{examination,metrics-listener}.test.ts',
  'test/queue/{schedule-declarations,schedule-times}.test.ts',
  'test/records/{access-query,compile-rule,definition}.test.ts',
  'test/soak/**/*.test.ts',
  'test/testing/contract.test.ts',
  'test/tools/{instant-text,statement-cache}.test.ts',
  'test/tracing/without-package.test.ts',
  'test/types/**/*.test.ts',
  'test/wire/**/*.test.ts',
]
/** What is rendered, with a document of its own that no other test meets. */
const RENDERED = 'test/client/react-*.test.ts'
const REAL_POSTGRES = ['test/postgres/**', 'test/faults/**']
const EMBEDDED = 'test/embedded/**'
/**
 * What pages do in a browser, and how requests and answers travel and are described: no database changes it, and the
 * embedded one is tried.
 */
const BEFORE_DATABASES = [
  'test/http/{console-{browser,call,data,sign-in,typed-input},reference-page}.test.ts',
  'test/http/{compression,cors,exchange,forwarded-address,framing,held-bytes,uploads,web-files}.test.ts',
  'test/http/{app-routes,same-reading}.test.ts',
  'test/openapi/document.test.ts',
]

const projects = [
  {
    resolve,
    // Its files share a process, one after another: what they import is read and compiled once.
    test: {
      ...shared,
      name: 'static',
      include: WITHOUT_DATABASE,
      isolate: false,
      globalSetup: ['test/support/setup-shared.ts'],
    },
  },
  {
    resolve,
    test: {
      ...shared,
      name: 'rendered',
      include: [RENDERED],
      setupFiles: ['test/support/document.ts', ...shared.setupFiles],
      globalSetup: ['test/support/setup-shared.ts', 'test/support/setup-pglite.ts'],
    },
  },
  {
    resolve,
    test: {
      ...shared,
      name: 'pglite',
      isolate: false,
      include: ['test/**/*.test.ts'],
      exclude: [...WITHOUT_DATABASE, ...REAL_POSTGRES, RENDERED],
      globalSetup: ['test/support/setup-shared.ts', 'test/support/setup-pglite.ts'],
    },
  },
  {
    resolve,
    test: {
      ...shared,
      name: 'postgres',
      isolate: false,
      include: ['test/**/*.test.ts'],
      exclude: [...WITHOUT_DATABASE, ...BEFORE_DATABASES, EMBEDDED, RENDERED],
      globalSetup: ['test/support/setup-shared.ts', 'test/support/setup-postgres.ts'],
    },
  },
]

export default defineConfig({
  resolve,
  test: {
    // One more than two processors have work for: tests often wait for a command or for the database.
    maxWorkers: 3,
    projects: process.env.TEST_DATABASE_URL ? projects : projects.slice(0, 3),
  },
})
