import type postgres from 'postgres'

/** No run of the tests takes as long. */
const MAX_RUN_MS = 6 * 3_600_000
const NAME = /^deputy_test_([0-9a-z]{8})_/

/** Names a database of a run; the name tells when it was made. */
export function nameAt(ms: number, suffix: string): string {
  return `deputy_test_${ms.toString(36)}_${suffix}`
}

/** Drops what runs left that were killed hours ago. */
export async function dropLeftovers(admin: postgres.Sql): Promise<void> {
  const rows = await admin<
    { datname: string }[]
  >`select datname from pg_database where datname like 'deputy_test_%'`
  for (const { datname } of rows) {
    const madeMs = Number.parseInt(NAME.exec(datname)?.[1] ?? '', 36)
    if (Date.now() - madeMs > MAX_RUN_MS)
      await admin.unsafe(`drop database if exists ${datname} with (force)`)
  }
}
