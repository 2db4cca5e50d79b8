/** Everything at and below these is the engine's. */
export const ENGINE_PREFIXES = [
  '/api/actions',
  '/api/records',
  '/api/users',
  '/api/integrations',
  '/api/audit',
  '/api/credits',
  '/api/outbox',
  '/trpc',
  '/healthz',
  '/readyz',
]

/** Whether the engine answers at a path, and no route of the app's. */
export function isEngineAddress(path: string): boolean {
  return ENGINE_PREFIXES.some((prefix) => path === prefix || path.startsWith(`${prefix}/`))
}
