/** Everything at and below these is the engine's, what a newer engine will serve there among it. */
export const ENGINE_PREFIXES = ['/api', '/trpc', '/healthz', '/readyz']

/** Whether the engine answers at a path, and no route of the app's. */
export function isEngineAddress(path: string): boolean {
  return ENGINE_PREFIXES.some((prefix) => path === prefix || path.startsWith(`${prefix}/`))
}
