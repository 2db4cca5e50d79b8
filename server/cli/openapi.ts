import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { isRecord } from '../core/is-record.ts'
import type { JsonObject } from '../core/result.ts'
import { CommandError } from './command-error.ts'
import { say } from './database-command.ts'
import { loadApp } from './load-app.ts'

const DESCRIPTION = `Prints the OpenAPI document that GET /openapi.json serves. The text is the same for the same app: kept in the
repository, it shows in a diff what has changed. It needs no database. With --against, it lists instead what breaks
clients of an older document, a line each, and ends with 1 where there is something.`

interface OpenApiOptions {
  readonly against?: string
  readonly strict?: true
  readonly built?: true
}

/** Adds `deputy openapi`. */
export function addOpenApi(program: Command): void {
  program
    .command('openapi')
    .summary('print the OpenAPI document, or what of an older one it breaks')
    .description(DESCRIPTION)
    .option('--against <file>', 'list what breaks clients of the document in this file')
    .option('--strict', 'fail where a schema cannot be described')
    .option('--built', 'of dist/, as with NODE_ENV=production')
    .action(async ({ against, strict, built }: OpenApiOptions) => {
      const { app } = await loadApp({ isBuilt: built })
      const { describeApp } = await import('../lifecycle/describe-app.ts')
      const { formatGap } = await import('../openapi/document.ts')
      const { text, gaps } = describeApp(app)
      if (strict && gaps.length > 0) throw new CommandError(gaps.map(formatGap).join('\n'))
      if (against === undefined) {
        process.stdout.write(text)
        return
      }
      const { breakingChanges } = await import('../openapi/compare.ts')
      const older = await readDocument(against)
      const changes = comparing(against, () => breakingChanges(older, JSON.parse(text)))
      for (const change of changes) say(change)
      if (changes.length > 0) process.exitCode = 1
    })
}

function comparing<T>(file: string, compare: () => T): T {
  try {
    return compare()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CommandError(`${file} cannot be compared: ${reason}.`)
  }
}

async function readDocument(file: string): Promise<JsonObject> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new CommandError(`${file} cannot be read: ${error.message}`)
  })
  try {
    const document: unknown = JSON.parse(text)
    // It came from JSON.
    if (isRecord(document) && isRecord(document.paths)) return document as JsonObject
  } catch {
    // It is no JSON, which is told below.
  }
  throw new CommandError(`${file} is no OpenAPI document: it must be JSON with paths.`)
}
