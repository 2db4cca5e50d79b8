import type { Command } from 'commander'
import { loadApp } from './load-app.ts'

/** Adds `deputy start`. */
export function addStart(program: Command): void {
  program
    .command('start')
    .summary("run the app's server")
    .description(
      "Runs the app's server until it is told to stop (SIGTERM, SIGINT): calls in flight are finished first.",
    )
    .option('--built', 'run dist/server/app.js, which "deputy build" makes, as with NODE_ENV=production')
    .option('--strict', 'do not start where the OpenAPI document cannot describe a schema')
    .action(async ({ built, strict }: { readonly built?: true; readonly strict?: true }) => {
      const { run } = await import('../lifecycle/run.ts')
      // `deputy dev` is told where to send what its front end calls.
      const onListening = (url: string) => process.send?.({ url })
      await run(() => loadApp({ isBuilt: built }), { strict, onListening })
    })
}
