import { MigrationError } from './migration-error.ts'
import { SAFE_MARK } from './migration-folder.ts'
import { journalName, type MigrationSession, type MigrationSet, migrationName } from './migration-set.ts'
import type { MigrationPlan } from './migrator.ts'

/** @throws {MigrationError} when a newer version has changed the database, and did not say that this one may go on. */
export function refuseNewer({ set, unknown }: MigrationPlan): void {
  const names = unknown.filter(({ isSafeForOlder }) => !isSafeForOlder).map(({ name }) => name)
  if (names.length === 0) return
  throw new MigrationError(
    set.owner === 'engine'
      ? `The database has migrations of a newer engine, which are not marked as safe for this one: ${names.join(', ')}. Start the version of deputyjs that applied them, or a newer one. docs/upgrading.md says how to go back.`
      : `The database has migrations that ${set.folder} has not, and that are not marked as safe for older servers: ${names.join(', ')}. Start the version of the app that applied them; or, if the files were lost, bring them back. A migration whose file has the line ${SAFE_MARK} lets older servers start. docs/upgrading.md says how to go back.`,
  )
}

/**
 * The journal tells who migrates: a role that only serves reads it. Before there is one, who may make tables does.
 */
const RIGHTS = `
  select current_user::text, (case when to_regclass($1) is null then has_schema_privilege('public', 'CREATE')
    else has_table_privilege($1, 'INSERT') end)::text`

/** @throws {MigrationError} when something is to be applied, and the role may not. */
export async function refuseWithoutRights(
  session: MigrationSession,
  plans: readonly MigrationPlan[],
): Promise<void> {
  const pending = plans.flatMap(({ set, pending }) => pending.map(({ tag }) => migrationName(set, tag)))
  if (pending.length === 0) return
  for (const { set } of plans.filter((plan) => plan.pending.length > 0)) {
    const role = await findRoleWithoutRights(session, set)
    if (role === undefined) continue
    throw new MigrationError(
      `The database lacks ${pending.join(', ')}, and the role ${role} in DATABASE_URL may not apply migrations. Run deputy migrate as the role that owns the tables, and start again. docs/database.md has both roles.`,
    )
  }
}

async function findRoleWithoutRights(
  session: MigrationSession,
  set: MigrationSet,
): Promise<string | undefined> {
  const [row] = await session.query(RIGHTS, [journalName(set)])
  return row?.[1] === 'true' ? undefined : String(row?.[0])
}
