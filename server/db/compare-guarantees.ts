import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Database } from './database.ts'
import { ENGINE_MIGRATIONS } from './migrate.ts'
import { readMigrations } from './migration-folder.ts'

const guaranteeSchema = z.object({
  /** As people are told of it. */
  what: z.string(),
  /** Its own, or its column's. */
  name: z.string(),
  definition: z.string(),
})

/** Something that the engine's migrations make beside tables and columns, and that the engine goes by. */
export type Guarantee = z.infer<typeof guaranteeSchema>

/**
 * Triggers, functions, valid constraints and unique indexes, defaults and identities of the schema `deputy`, but of the
 * journal. What is said of them does not depend on the search path.
 */
const GUARANTEES = `
  with own as (
    select c.oid, c.relname::text as name from pg_class c
    where c.relnamespace = to_regnamespace('deputy') and c.relkind = 'r' and c.relname <> 'migrations')
  select 'trigger ' || t.tgname || ' on deputy.' || own.name, t.tgname::text,
    concat_ws(' ', case when t.tgenabled in ('O', 'A') then t.tgtype::text else 'switched off' end,
      f.pronamespace::regnamespace, f.proname, nullif(t.tgattr::text, ''),
      case when t.tgqual is not null then pg_get_triggerdef(t.oid) end)
  from own join pg_trigger t on t.tgrelid = own.oid and not t.tgisinternal join pg_proc f on f.oid = t.tgfoid
  union all
  select 'function deputy.' || f.proname || '(' || pg_get_function_identity_arguments(f.oid) || ')', f.proname::text,
    concat_ws(' ', l.lanname, f.prosrc)
  from pg_proc f join pg_language l on l.oid = f.prolang where f.pronamespace = to_regnamespace('deputy')
  union all
  select 'constraint ' || k.conname || ' on deputy.' || own.name, k.conname::text, pg_get_constraintdef(k.oid)
  from own join pg_constraint k on k.conrelid = own.oid and k.contype in ('p', 'u', 'c', 'f', 'x')
  union all
  select 'unique index deputy.' || i.relname || ' on deputy.' || own.name, i.relname::text,
    case when x.indisvalid and x.indisready then pg_get_indexdef(x.indexrelid) else 'not valid' end
  from own join pg_index x on x.indrelid = own.oid and x.indisunique join pg_class i on i.oid = x.indexrelid
  where not exists (select 1 from pg_constraint k where k.conindid = x.indexrelid)
  union all
  select 'default of deputy.' || own.name || '.' || a.attname, a.attname::text,
    case when a.attidentity = '' then pg_get_expr(d.adbin, d.adrelid) else 'identity ' || a.attidentity::text end
  from own join pg_attribute a on a.attrelid = own.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = own.oid and d.adnum = a.attnum
  where a.atthasdef or a.attidentity <> ''`

/** Reads what there is of them in a database. */
export async function readGuarantees(database: Database): Promise<readonly Guarantee[]> {
  const { rows } = await database.query({ sql: GUARANTEES, params: [] })
  return rows
    .map(([what, name, definition]) => ({
      what: String(what),
      name: String(name),
      definition: plain(String(definition)),
    }))
    .sort((a, b) => (a.what < b.what ? -1 : 1))
}

/** How versions of Postgres write a definition differs in spaces and parentheses. */
function plain(definition: string): string {
  return definition.replaceAll(/[\s()]+/g, ' ').trim()
}

/**
 * Compares what the engine's guarantees rest on with what its migrations make: tables that are append-only, sums of the
 * ledger, keys that are answered once.
 *
 * @param folder the engine's migrations; `guarantees.json` in it has what they make
 * @returns a sentence for each that is gone, switched off, or another one. What there is beside them is no difference.
 */
export async function compareGuarantees(
  database: Database,
  folder = ENGINE_MIGRATIONS,
): Promise<readonly string[]> {
  const text = readFileSync(join(folder, 'guarantees.json'), 'utf8')
  const expected = z.array(guaranteeSchema).parse(JSON.parse(text))
  const found = new Map((await readGuarantees(database)).map((one) => [one.what, one.definition]))
  const broken = expected.filter(({ what, definition }) => found.get(what) !== definition)
  if (broken.length === 0) return []
  const migrations = readMigrations(folder)
  return broken.map(({ what, name }) => {
    const state = found.has(what) ? 'is switched off, or is not as the engine made it' : 'is gone'
    // Not one that only lists it, as an index does with its columns.
    const made = new RegExp(`\\b${name}"?[\\s(]`)
    const origin = migrations.findLast((migration) => made.test(migration.text))
    const maker = origin ? `${origin.tag}.sql of the engine does` : 'the engine’s migrations do'
    return `the ${what} ${state}: make it again as ${maker}`
  })
}
