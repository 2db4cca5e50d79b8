/** What of the repository is the app's; all else is the engine's. */
export const APP_PATHS = [
  'integrations.ts',
  'drizzle/collections.ts',
  'drizzle/migrations/',
  'server/deputy.ts',
  'server/app.ts',
  'server/main.ts',
  'server/env.ts',
  'server/routes.ts',
  'server/schedules.ts',
  'server/webhook-signature.ts',
  'server/routers/actions/',
  'test/actions/',
  'test/demo/',
  'client/web/',
] as const

/** Whether a file, named from the root of the repository, is the app's. */
export function isApp(file: string): boolean {
  return APP_PATHS.some((path) => (path.endsWith('/') ? file.startsWith(path) : file === path))
}
