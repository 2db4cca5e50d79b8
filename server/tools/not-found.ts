import { type Failure, fail } from '../core/result.ts'
import type { CatalogEntry } from './catalog.ts'
import { quote } from './problems.ts'

export function notFound(entry: CatalogEntry, recordId: string): Failure {
  return fail('NOT_FOUND', `${quote(entry.name)} has no record ${quote(recordId)}.`)
}
