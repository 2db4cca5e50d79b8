import { type Failure, fail } from '../core/result.ts'
import { checkData } from '../tools/assignments.ts'
import { type Problems, quote } from '../tools/problems.ts'
import type { Permission } from './policy.ts'

export type CheckedWrite =
  | { readonly given: Readonly<Record<string, unknown>> }
  | { readonly failure: Failure }

/**
 * Checks data that a caller would write. A field that is hidden from the role is reported as unknown, one that it may only
 * read is FORBIDDEN, and the rest is checked as for the app's tools.
 */
export function checkWrite(
  permission: Permission,
  data: unknown,
  problems: Problems,
  argument: 'data' | 'patch',
): CheckedWrite {
  const { entry, view } = permission
  const given = checkData(view.known, data, problems, { argument })
  const failure = problems.failure()
  if (failure) return { failure }
  const refused = Object.keys(given).filter((field) => !view.writable.has(field))
  const [first] = refused
  if (first === undefined) return { given }
  return {
    failure: fail(
      'FORBIDDEN',
      `The role ${quote(permission.actor.role)} may not write ${quote(first)} of ${quote(entry.name)}; it may write ${[...view.writable].join(', ') || 'no field'}.`,
      {
        issues: refused.map((field) => ({
          path: [argument, field],
          message: 'may not be written by you',
          code: 'invalid_argument',
        })),
      },
    ),
  }
}
