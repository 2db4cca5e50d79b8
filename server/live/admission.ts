import type { BlockedUsers } from '../auth/blocked-users.ts'
import { storedRoles } from '../tools/stored-role.ts'
import type { ReadRuntime } from '../tools/tool-runtime.ts'
import type { LiveStream } from './live-stream.ts'

export interface AdmissionOptions {
  readonly reads: ReadRuntime
  readonly blockedUsers: Pick<BlockedUsers, 'admit' | 'recall'>
  readonly clock: () => Date
}

/** How many users are asked about at once. */
const USERS_AT_ONCE = 1_000

/**
 * Ends the streams of callers who are not who they were: whose token has expired, who are blocked, whose role is another
 * one. What was read before that for the others may be sent to them.
 *
 * @returns whether it could be found out
 * @throws what the database throws
 */
export async function admit(streams: Iterable<LiveStream>, options: AdmissionOptions): Promise<boolean> {
  const all = [...streams]
  const roles = await rolesOf(all, options.reads)
  for (const stream of all) {
    const admission = await admissionOf(stream.userId, options.blockedUsers)
    if (admission === 'unknown') return false
    if (admission === 'blocked') stream.end('blocked')
    else if (options.clock().getTime() >= stream.expiresAtMs) stream.end('expired')
    else checkRole(stream, roles)
  }
  return true
}

async function rolesOf(streams: readonly LiveStream[], reads: ReadRuntime): Promise<Map<string, string>> {
  const users = [...new Set(streams.flatMap(({ caller }) => caller.rowUserId ?? []))]
  const roles = new Map<string, string>()
  for (let at = 0; at < users.length; at += USERS_AT_ONCE)
    for (const [userId, role] of await storedRoles(reads, users.slice(at, at + USERS_AT_ONCE)))
      roles.set(userId, role)
  return roles
}

function admissionOf(userId: string | undefined, blockedUsers: AdmissionOptions['blockedUsers']) {
  if (userId === undefined) return 'admitted'
  return blockedUsers.recall(userId) ?? blockedUsers.admit(userId)
}

function checkRole(stream: LiveStream, roles: ReadonlyMap<string, string>): void {
  const { rowUserId } = stream.caller
  if (rowUserId === undefined) return
  const stored = roles.get(rowUserId) ?? null
  if (stored === stream.storedRole) return
  stream.storedRole = stored
  if (stream.caller.actorWith(stored).role !== stream.ruleActor.role) stream.end('role')
}
