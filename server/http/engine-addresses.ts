/** Where agents call. */
export const MCP_PATH = '/mcp'

/** Where the console is. */
export const CONSOLE_PATH = '/console'

/** Where an agent's client reads who gives tokens for this server (RFC 9728, 3.1). */
export const RESOURCE_METADATA = '/.well-known/oauth-protected-resource'

/** Everything at and below these is the engine's, what a newer engine will serve there among it. */
export const ENGINE_PREFIXES = [
  '/api',
  CONSOLE_PATH,
  '/docs',
  '/openapi.json',
  '/trpc',
  '/healthz',
  '/readyz',
  MCP_PATH,
  RESOURCE_METADATA,
]

/** Whether the engine answers at a path, and no route of the app's. */
export function isEngineAddress(path: string): boolean {
  return ENGINE_PREFIXES.some((prefix) => path === prefix || path.startsWith(`${prefix}/`))
}
