import type { z } from 'zod'
import type { Issue, IssueInfo } from '../core/result.ts'
import { issueMessage } from './issue-message.ts'
import { issueParams } from './issue-params.ts'
import { pathSegment } from './path.ts'
import { isSecretAt, redactPath } from './redact.ts'

export const MAX_ISSUES = 20
const MAX_MESSAGE_LENGTH = 300
const NAMING: ReadonlySet<string> = new Set(['unrecognized_keys', 'invalid_value'])

/**
 * What a schema found wrong, fit to be shown: few, short, and without the value.
 *
 * @param schema says which keys of records are secret, where it is known.
 */
export function issuesOf(error: Pick<z.core.$ZodError, 'issues'>, schema?: z.ZodType): readonly Issue[] {
  return error.issues.slice(0, MAX_ISSUES).map((issue) => {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))
    // Both name what a marked schema takes, or what was sent to it.
    if (schema && NAMING.has(issue.code) && isSecretAt(schema, path)) {
      const shown = redactPath(schema, path).map(shortened)
      return { path: shown, message: 'Invalid input', code: issue.code, params: {} }
    }
    return {
      path: (schema ? redactPath(schema, path) : path).map(shortened),
      ...toldOf(issue),
    }
  })
}

/** What is told of an issue, beside where it is. */
export function toldOf(issue: z.core.$ZodIssue): Omit<Issue, 'path'> {
  return { message: capped(issueMessage(issue)), code: issue.code, params: issueParams(issue) }
}

/** A caller's key can be as long as the body. */
export function shortened(part: string | number): string | number {
  return typeof part === 'string' ? pathSegment(part) : part
}

/** `where.title: must be a string` */
export function sentence(issue: IssueInfo): string {
  return issue.path.length === 0 ? issue.message : `${formatPath(issue.path)}: ${issue.message}`
}

function capped(message: string): string {
  return message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH)}…` : message
}

function formatPath(path: readonly (string | number)[]): string {
  return path
    .map((part, position) => (typeof part === 'number' ? `[${part}]` : position === 0 ? part : `.${part}`))
    .join('')
    .slice(0, 200)
}
