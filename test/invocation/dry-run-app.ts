import { randomUUID } from 'node:crypto'
import {
  type ActionContext,
  type ActionResult,
  actionRegistry,
  createBuilders,
  type QueryContext,
} from 'deputyjs'
import { sql } from 'drizzle-orm'
import { boolean, integer, text } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { collection } from '../../drizzle/engine/collection.ts'
import type { Database } from '../../server/db/database.ts'
import type { DryRunOptions } from '../../server/invocation/dry-run/options.ts'
import { type DryRunReport, dryRunOf } from '../../server/invocation/dry-run/report.ts'
import { fixture } from '../fixture/app.ts'
import { startUpstream } from '../integrations/upstream.ts'
import { fund } from '../ledger/ledger.ts'
import { marketEnv, marketIntegrations, openStalls } from '../ledger/market.ts'
import { execute } from '../support/execute.ts'
import { createTestApp, type TestAppOptions } from '../support/test-app.ts'

/** Notes that everyone reads who wrote them, or that are public; but not their drafts. */
const notes = collection(
  'notes',
  {
    title: text().notNull(),
    draft: text(),
    apiKey: text(),
    pages: integer().notNull().default(1),
    doubled: integer().generatedAlwaysAs(sql`pages * 2`),
    slug: text(),
    shelfId: text(),
    isPublic: boolean().notNull().default(false),
  },
  {
    secretFields: ['apiKey'],
    visibilityField: 'isPublic',
    access: {
      '*': {
        read: 'published',
        readableFields: ['title', 'pages', 'doubled', 'slug', 'shelfId', 'isPublic'],
        create: true,
        update: 'own',
        remove: 'own',
      },
      admin: { read: true },
    },
  },
)

/** How many notes were put on it, as a trigger counts. */
const shelves = collection(
  'shelves',
  { count: integer().notNull().default(0) },
  { access: { '*': { read: true } } },
)

/** Nobody but the owner knows of them. */
const vaults = collection('vaults', { content: text() }, { access: { admin: { read: true } } })

export const collections = { ...fixture.collections, notes, shelves, vaults }

const TABLES = `
  create table shelves (record_id text primary key, created_by text, created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null, version integer not null default 1, count integer not null default 0);
  create table vaults (record_id text primary key, created_by text, created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null, version integer not null default 1, content text);
  create table notes (record_id text primary key, created_by text, created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null, version integer not null default 1, title text not null, draft text,
    api_key text, pages integer not null default 1, doubled integer generated always as (pages * 2) stored,
    slug text, shelf_id text constraint notes_shelf references shelves deferrable initially deferred,
    is_public boolean not null default false);
  create table note_log (at timestamptz not null, removed text not null);
  create function slugged() returns trigger language plpgsql as
    $$ begin new.slug := lower(replace(new.title, ' ', '-')); return new; end $$;
  create function shelved() returns trigger language plpgsql as
    $$ begin update shelves set count = count + 1 where record_id = new.shelf_id; return null; end $$;
  create function logged() returns trigger language plpgsql as
    $$ begin insert into note_log values (now(), old.record_id); return null; end $$;
  create trigger slugged before insert or update on notes for each row execute function slugged();
  create trigger shelved after insert on notes for each row execute function shelved();
  create trigger logged after delete on notes for each row execute function logged();
`

interface App {
  collections: typeof collections
  integrations: typeof marketIntegrations
  env: typeof fixture.env
}
const { action, ownerAction } = createBuilders<App>()

export type Context = ActionContext<App>
export type Handler = (ctx: Context, secret: string) => Promise<ActionResult<unknown>>
type Read = (ctx: QueryContext<App>) => Promise<ActionResult<unknown>>

export interface Ask {
  /** @default 'owner' */
  readonly by?: string
  readonly answers?: DryRunOptions['answers']
  /** @default 'open' */
  readonly action?: 'open' | 'closed' | 'owned'
  /** Goes with the call, marked secret. */
  readonly secret?: string
}

/** An app whose actions do what each test says, for the owner alone and for every caller, as dry runs and as others. */
export async function openRehearsal(
  options: Pick<TestAppOptions<never, never>, 'pool' | 'failpoint' | 'corsOrigins' | 'routes'> = {},
) {
  const handlers = new Map<string, Handler>()
  const schema = z.strictObject({ id: z.string(), secret: z.string().default('').meta({ secret: true }) })
  const handle = ({ ctx, input }: { ctx: Context; input: z.output<typeof schema> }) => {
    const handler = handlers.get(input.id)
    if (!handler) throw new Error(`No handler ${input.id}`)
    return handler(ctx, input.secret)
  }
  const actions = actionRegistry({
    open: action.input(schema).meta({ dryRun: 'caller' }).mutation(handle),
    closed: action.input(schema).mutation(handle),
    owned: ownerAction.input(schema).meta({ dryRun: 'caller' }).mutation(handle),
    openRead: action
      .input(schema)
      .meta({ dryRun: 'caller' })
      .query(handle as never),
  })
  const provider = await startUpstream()
  openStalls(provider)
  const app = await createTestApp({
    actions,
    collections,
    integrations: marketIntegrations,
    integrationEnv: marketEnv(provider.url),
    apiWorkerUrl: provider.url,
    ...options,
  })
  await execute(app.database, app.databaseUrl, TABLES)

  const keep = (handler: Handler) => {
    const id = randomUUID()
    handlers.set(id, handler)
    return id
  }
  const call = async (
    { by = 'owner', action = 'open', secret, answers }: Ask,
    handler: Handler,
    isDry: boolean,
  ): Promise<ActionResult<unknown>> => {
    const dryRun = isDry && { dryRun: answers ? { answers } : true }
    const caller = app.createCaller({ token: await app.token(by), ...(dryRun || {}) })
    return caller.actions[action]({ id: keep(handler), ...(secret === undefined ? {} : { secret }) })
  }
  return {
    app,
    provider,
    /** Names a handler in the input of an action. */
    keep,
    change: (text: string) => execute(app.database, app.databaseUrl, text),
    rows: async (text: string, ...params: readonly unknown[]) =>
      (await app.database.query({ sql: text, params })).rows,
    fund: (account: string, amount: number) => fund(app.database, account, amount),
    /** Calls an action. */
    run: (handler: Handler, ask: Ask = {}) => call(ask, handler, false),
    /** What a dry run answers. */
    ask: (handler: Handler, ask: Ask = {}) => call(ask, handler, true),
    /** What a dry run tells. */
    rehearse: async (handler: Handler, ask: Ask = {}): Promise<DryRunReport> =>
      dryRunOf(await call(ask, handler, true)),
    async rehearseRead(read: Read, by = 'owner'): Promise<DryRunReport> {
      const caller = app.createCaller({ token: await app.token(by), dryRun: true })
      return dryRunOf(await caller.actions.openRead({ id: keep(read as unknown as Handler) }))
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await provider[Symbol.asyncDispose]()
    },
  }
}

export type Rehearsal = Awaited<ReturnType<typeof openRehearsal>>

/** All that the database holds, by table: of both schemas, but for the audit, which tells of dry runs as well. */
export async function everyRow(database: Database): Promise<Readonly<Record<string, readonly string[]>>> {
  const read = async (text: string) => (await database.query({ sql: text, params: [] })).rows
  const tables = await read(`
    select format('%I.%I', table_schema, table_name) from information_schema.tables
    where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')
      and table_name not in ('audit_log', 'audit_detail') order by 1`)
  const contents: Record<string, readonly string[]> = {}
  for (const [table] of tables) {
    const rows = await read(`select it::text from ${String(table)} as it order by 1`)
    contents[String(table)] = rows.map(([row]) => String(row))
  }
  return contents
}
