import { type ActionResult, actionRegistry } from 'deputyjs'
import { sql } from 'drizzle-orm'
import { boolean, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { collection } from '../../drizzle/engine/collection.ts'
import { HTTP_STATUS, INTERNAL_MESSAGE } from '../../server/core/errors.ts'
import * as appCollections from '../fixture/collections.ts'
import { action } from '../fixture/deputy.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'
import { answerTo, SQLSTATES } from './sqlstates.ts'

/** Its trigger raises what a record says: when it is inserted, when the call commits, or when it is read. */
const raised = collection(
  'raised',
  { code: text().notNull(), at: text().notNull(), once: boolean().notNull() },
  {
    access: {
      '*': {
        read: (_, record) => sql`raise_for(${record.code}, ${record.at} = 'read', false)`,
        create: true,
      },
    },
  },
)
const collections = { ...appCollections, raised }

/** `00000` cannot be raised: PL/pgSQL takes it for none. */
const CODES = SQLSTATES.filter((sqlstate) => sqlstate !== '00000')

async function open() {
  const put = action
    .input(z.strictObject({ code: z.string(), at: z.string(), once: z.boolean() }))
    .mutation(({ ctx, input }) => {
      const tools = ctx.tools as unknown as {
        create(name: string, data: unknown): Promise<ActionResult<unknown>>
      }
      return tools.create('raised', input)
    })
  const app = await createTestApp({ actions: actionRegistry({ put }), collections })
  await execute(
    app.database,
    app.databaseUrl,
    `create table raised (record_id text primary key, created_by text, created_at timestamptz(3) not null default now(),
       updated_at timestamptz(3) not null default now(), version integer not null default 1,
       code text not null, at text not null, once boolean not null);
     create sequence tries;
     create function raise_for(code text, raises boolean, once boolean) returns boolean language plpgsql as $$
       begin
         if raises and not (once and nextval('tries') % 2 = 0) then
           raise exception 'a secret of the trigger' using errcode = code;
         end if;
         return true;
       end $$;
     create function raise_at_insert() returns trigger language plpgsql as $$
       begin perform raise_for(new.code, new.at = 'insert', new.once); return new; end $$;
     create function raise_at_commit() returns trigger language plpgsql as $$
       begin perform raise_for(new.code, new.at = 'commit', new.once); return null; end $$;
     create trigger at_insert before insert on raised for each row execute function raise_at_insert();
     create constraint trigger at_commit after insert on raised deferrable initially deferred
       for each row execute function raise_at_commit();
     create table audit_raises (code text);
     create function raise_at_audit() returns trigger language plpgsql as $$
       declare wanted text;
       begin
         select code into wanted from audit_raises;
         if found then perform raise_for(wanted, true, false); end if;
         return new;
       end $$;
     create trigger raises before insert on deputy.audit_log for each row execute function raise_at_audit();
     insert into raised (record_id, code, at, once)
       values ${CODES.map((sqlstate) => `('${sqlstate}', '${sqlstate}', 'read', false)`)};
     grant usage on sequence tries to public;`,
  )
  const url = await app.listen()
  return { app, url, ada: await app.as('ada'), token: await app.token('ada') }
}

let opened: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  opened = await open()
})
afterAll(() => opened.app[Symbol.asyncDispose]())

/** What a text that was sent for a value can lead to. */
const MALFORMED = '22001 22003 22007 22008 22009 22015 22018 22021 22P02 22P05'.split(' ')

interface Answer {
  readonly code: string
  readonly error: string
}

/** What a call answers: `ok`, or the code of its failure, whether it is returned or thrown. */
async function answerOf(call: Promise<ActionResult<unknown>>): Promise<Answer> {
  try {
    const result = await call
    return result.success ? { code: 'ok', error: '' } : { code: result.code, error: result.error }
  } catch (error) {
    const { code = 'no code', message } = error as Error & { code?: string }
    return { code, error: message }
  }
}

async function rest(method: string, path: string, data: unknown, token?: string): Promise<Answer> {
  const response = await fetch(`${opened.url}/api/${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    ...(data === undefined ? {} : { body: JSON.stringify(data) }),
  })
  const answer = await answerOf(response.json() as Promise<ActionResult<unknown>>)
  if (answer.code !== 'ok') expect(response.status).toBe(HTTP_STATUS[answer.code as keyof typeof HTTP_STATUS])
  return answer
}

type Put = (data: { code: string; at: string; once: boolean }) => Promise<Answer>
const WAYS: readonly (readonly [string, Put])[] = [
  ['records over REST, of nobody', (data) => rest('POST', 'records/raised', data)],
  ['records of a user', (data) => answerOf(opened.ada.records.raised.create({ data }) as never)],
  ['tools, over REST', (data) => rest('POST', 'actions/put', data, opened.token)],
]

describe.each(['insert', 'commit'])('at %s', (at) => {
  it.each(WAYS)(
    '%s: every SQLSTATE is answered as the table says',
    async (_name, put) => {
      for (const code of CODES) {
        const expected = answerTo(code)
        const { code: got, error } = await put({ code, at, once: expected === 'again' })
        expect([code, got]).toEqual([code, expected === 'again' ? 'ok' : expected])
        expect(error).not.toContain('secret')
        if (expected === 'INTERNAL_SERVER_ERROR') expect(error).toBe(INTERNAL_MESSAGE)
      }
    },
    120_000,
  )
})

it('a read without a transaction answers as the table says; what another call may be in the way of is 503', async () => {
  for (const code of CODES) {
    const isComputed = code.startsWith('22') && !MALFORMED.includes(code)
    const internal = code === 'XX000' ? 'INTERNAL_SERVER_ERROR' : 'SERVICE_UNAVAILABLE'
    const answer = answerTo(code) === 'again' ? internal : answerTo(code)
    // Nothing that was sent: a rule of the app fails on what is stored.
    const expected = isComputed ? 'INTERNAL_SERVER_ERROR' : answer
    const where = encodeURIComponent(JSON.stringify({ code, at: 'read' }))
    const { code: got, error } = await rest('GET', `records/raised?where=${where}`, undefined)
    expect([code, got]).toEqual([code, expected])
    expect(error).not.toContain('secret')
  }
}, 120_000)

it('the connection goes on after an error that only looks as if it ended it', async () => {
  for (const code of ['57P01', '08006', '25P03']) {
    expect(await rest('POST', 'records/raised', { code, at: 'commit', once: false })).toEqual({
      code: 'SERVICE_UNAVAILABLE',
      error: 'The database is not available at the moment; try again shortly.',
    })
  }
})

it('a statement of the engine that fails is never the caller’s mistake', async () => {
  for (const [code, expected] of [
    ['P0001', 'INTERNAL_SERVER_ERROR'],
    ['23505', 'INTERNAL_SERVER_ERROR'],
    ['22P02', 'INTERNAL_SERVER_ERROR'],
    ['U0400', 'INTERNAL_SERVER_ERROR'],
    ['53100', 'SERVICE_UNAVAILABLE'],
    ['57014', 'GATEWAY_TIMEOUT'],
  ] as const) {
    const { app } = opened
    await execute(app.database, app.databaseUrl, `insert into audit_raises values ('${code}')`)
    const answer = await rest('POST', 'records/raised', { code: 'none', at: 'never', once: false })
    await execute(app.database, app.databaseUrl, 'delete from audit_raises')
    expect([code, answer.code]).toEqual([code, expected])
    expect(answer.error).not.toContain('secret')
  }
})

describe('what a function of the app raises', () => {
  it.each([
    ['U0400', 'BAD_REQUEST'],
    ['U0403', 'FORBIDDEN'],
    ['U0404', 'NOT_FOUND'],
    ['U0409', 'CONFLICT'],
  ])('is told with its own message under %s, as %s', async (code, expected) => {
    for (const at of ['insert', 'commit']) {
      for (const [, put] of WAYS)
        expect(await put({ code, at, once: false })).toEqual({
          code: expected,
          error: 'a secret of the trigger',
        })
    }
  })

  it.each(['P0001', '09000', 'U0999', 'AB123'])('is a plain 400 under %s', async (code) => {
    for (const at of ['insert', 'commit']) {
      for (const [, put] of WAYS)
        expect(await put({ code, at, once: false })).toEqual({
          code: 'BAD_REQUEST',
          error: 'A rule of the database refuses these values.',
        })
    }
  })
})
