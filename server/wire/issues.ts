import type { z } from 'zod'
import type { Issue } from '../result.ts'
import { issueMessage } from './issue-message.ts'
import { pathSegment } from './path.ts'

export const MAX_ISSUES = 20
const MAX_MESSAGE_LENGTH = 300

/** What a schema found wrong, fit to be shown: few, short, and without the value. */
export function issuesOf(error: Pick<z.core.$ZodError, 'issues'>): readonly Issue[] {
  return error.issues.slice(0, MAX_ISSUES).map((issue) => ({
    path: issue.path.map((part) => shortened(typeof part === 'symbol' ? String(part) : part)),
    message: capped(issueMessage(issue)),
  }))
}

/** A caller's key can be as long as the body. */
export function shortened(part: string | number): string | number {
  return typeof part === 'string' ? pathSegment(part) : part
}

/** `where.title: must be a string` */
export function sentence(issue: Issue): string {
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
