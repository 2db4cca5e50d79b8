import { expect, it } from 'vitest'
import { run } from '../lifecycle/process.ts'

/** Loads the whole engine, and what traces where it can. */
const SCRIPT = `
  await import('./server/lifecycle/index.ts')
  const { loadTracing } = await import('./server/tracing/open-telemetry.ts')
  process.stdout.write(JSON.stringify({ isThere: (await loadTracing()) !== undefined }))`

async function load(...imports: readonly string[]) {
  const flags = ['tsx', ...imports].flatMap((name) => ['--import', name])
  const args = ['--conditions=deputy-source', ...flags, '--input-type=module', '-e', SCRIPT]
  const { output, ended } = run(process.execPath, args)
  expect(await ended, output.stderr).toMatchObject({ code: 0 })
  return JSON.parse(output.stdout)
}

it('the engine loads where OpenTelemetry’s API is not installed, and then traces nothing', async () => {
  expect(await load('./test/support/without-open-telemetry.mjs')).toEqual({ isThere: false })
  expect(await load()).toEqual({ isThere: true })
}, 120_000)
