import { sql } from 'drizzle-orm'
import type { RecordEnvelope } from '../core/record.ts'
import { type ActionResult, fail, ok } from '../core/result.ts'
import { checkData, identifier, missingFields } from './assignments.ts'
import { mergeStatement } from './create.ts'
import { checkRecordId, Problems } from './problems.ts'
import type { WriteRuntime } from './tool-runtime.ts'
import type { RegisterUserInput } from './types.ts'

const INPUT_FIELDS: readonly string[] = ['userId', 'name', 'email', 'imageUrl', 'isAdmin']

/** Upserts a row of `users` by merge, with its system-managed fields. It can make an admin, and never takes the role away. */
export async function registerUser(
  runtime: WriteRuntime,
  input: RegisterUserInput = {},
): Promise<ActionResult<{ user: RecordEnvelope }>> {
  const problems = new Problems()
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    return fail('BAD_REQUEST', `registerUser takes an object of ${INPUT_FIELDS.join(', ')}.`)
  for (const key of Object.keys(input)) {
    if (!INPUT_FIELDS.includes(key))
      problems.add([key], `is unknown; registerUser takes ${INPUT_FIELDS.join(', ')}`)
  }
  const { userId = runtime.userId, isAdmin, name, email, imageUrl } = input
  if (isAdmin !== undefined && typeof isAdmin !== 'boolean')
    problems.add(['isAdmin'], 'must be true or false')
  const profile = Object.fromEntries(
    Object.entries({ name, email, imageUrl }).filter(([, value]) => value !== undefined),
  )
  const failure = problems.failure()
  if (failure) return failure
  return upsertUser(runtime, userId, isAdmin === true ? { ...profile, role: 'admin' } : profile)
}

/** Upserts a row of `users` by merge, with its system-managed fields; `argument` names them in messages. */
export async function upsertUser(
  runtime: WriteRuntime,
  userId: unknown,
  fields: Readonly<Record<string, unknown>>,
  argument = 'data',
): Promise<ActionResult<{ user: RecordEnvelope }>> {
  const entry = runtime.catalog.get('users')
  if (!entry) return fail('PRECONDITION_FAILED', 'The app has no collection "users".')
  const problems = new Problems()
  const given = checkData(entry, fields, problems, { asEngine: true, argument })
  const known = checkRecordId(userId, problems)
  const failure = problems.failure()
  if (failure || !known) return failure ?? fail('BAD_REQUEST', 'userId is required.')
  const missing = missingFields(entry, given)
  const returning = sql.join([...entry.columns.values()].map(identifier), sql`, `)
  const answer = await runtime.execute(mergeStatement(runtime, entry, userId, given, missing, returning))
  const [row] = answer.rows
  if (!row && missing.length > 0) return fail('BAD_REQUEST', `A new user needs ${missing.join(', ')}.`)
  if (!row) return fail('CONFLICT', 'Another user has the same value in a unique field.')
  runtime.wrote(row[0] === 'created' ? 'create' : 'update', entry, userId)
  return ok({ user: entry.toEnvelope(row.slice(1)) })
}
