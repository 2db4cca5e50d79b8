// Checked by the compiler alone: every line marked with @ts-expect-error must be an error, every other must not.
import type { TRPCClient } from '@trpc/client'
import { isNotNull } from 'drizzle-orm'
import {
  bigint,
  bigserial,
  integer,
  json,
  jsonb,
  numeric,
  point,
  serial,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'
import { collection } from '../../drizzle/engine/collection.ts'
import type { CallerRecords } from '../../server/records/types.ts'
import type { RecordsProcedures } from '../../server/routers/records.ts'
import type { TypesOf } from '../../server/tools/collection-types.ts'
import type { AttemptDatabase } from '../../server/tools/tools.ts'
import type { CollectionsOf, Tools } from '../../server/tools/types.ts'
import type { Where } from '../../server/tools/where-types.ts'
import type { t } from '../../server/trpc/init.ts'

interface Place {
  readonly city: string
  readonly address?: { readonly street?: string; readonly floor?: number | undefined }
  readonly tags: readonly string[]
}

const papers = collection(
  'papers',
  {
    title: text().notNull(),
    note: text(),
    state: text({ enum: ['draft', 'final'] })
      .notNull()
      .default('draft'),
    slug: text()
      .notNull()
      .$defaultFn(() => 'a'),
    place: jsonb().$type<Place>(),
    places: json().$type<Place[]>().notNull(),
    word: jsonb().$type<'a' | 'b'>(),
    words: jsonb().$type<string[]>(),
    size: integer(),
    price: numeric({ precision: 10, scale: 2 }),
    big: bigint({ mode: 'bigint' }),
    labels: text().array(),
    at: timestamp({ withTimezone: true, precision: 3 }),
    spot: point(),
    twice: integer().generatedAlwaysAs(2),
    row: integer().generatedAlwaysAsIdentity(),
    turn: integer().generatedByDefaultAsIdentity(),
    counter: serial(),
    big_counter: bigserial({ mode: 'bigint' }),
    stamp: text(),
  },
  {
    systemManaged: ['stamp'],
    access: {
      '*': { read: true, update: false, create: false },
      member: {
        read: true,
        create: true,
        update: 'own',
        writableFields: ['title', 'places', 'note', 'slug', 'state'],
      },
      editor: {
        read: true,
        update: ({ userId }, paper) => (userId === null ? false : isNotNull(paper.size)),
        writableFields: ['size'],
      },
      reader: { read: true },
    },
  },
)
/** Written by actions alone. */
const totals = collection(
  'totals',
  { sum: integer().notNull() },
  { access: { '*': { read: true, create: false } } },
)
/** Nothing is said of it. */
const closed = collection('closed', { sum: integer().notNull() })
/** Updated, and never created; what may be read is what may be written. */
const seats = collection(
  'seats',
  { row: integer().notNull(), guest: text(), secret: text() },
  { access: { '*': { read: true, update: true, readableFields: ['row', 'guest'] } } },
)
/** A role may write all there is. */
const open = collection(
  'open',
  { title: text().notNull(), note: text() },
  { access: { admin: { create: true }, member: { create: 'own', writableFields: ['title'] } } },
)
const SHARED = { create: true, writableFields: ['title'] } as const
/** A rule that is written apart. */
const apart = collection('apart', { title: text().notNull(), note: text() }, { access: { '*': SHARED } })

const all = { papers, totals, closed, seats, open, apart, kind: 'no collection', count: 5 }
type App = CollectionsOf<typeof all>

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function holds<T extends true>(..._proof: T[]): void {}

holds<Same<keyof App, 'papers' | 'totals' | 'closed' | 'seats' | 'open' | 'apart'>>()
holds<
  Same<
    TypesOf<typeof papers>['record'],
    {
      title: string
      note: string | null
      state: 'draft' | 'final'
      slug: string
      place: Place | null
      places: Place[]
      word: 'a' | 'b' | null
      words: string[] | null
      size: number | null
      price: string | null
      big: bigint | null
      labels: string[] | null
      at: Date | null
      spot: [number, number] | null
      twice: number | null
      row: number
      turn: number
      counter: number
      big_counter: bigint
      stamp: string | null
    }
  >
>()
holds<Same<keyof TypesOf<typeof papers>['amounts'], 'size' | 'price' | 'big' | 'turn'>>()

declare const tools: Tools<App, AttemptDatabase, Record<string, never>>
declare const asCaller: CallerRecords<App>
type RecordsRouter = ReturnType<typeof t.router<RecordsProcedures<App>>>
declare const client: TRPCClient<RecordsRouter>
declare const id: string
declare const maybeId: string | undefined
declare const place: Place
const places = [place]

/** Fields that may be left out may be undefined; those that are required may not. */
export async function optionalFields() {
  await tools.create('papers', { title: 't', places })
  await tools.create('papers', { title: 't', places, note: undefined, state: undefined, slug: undefined })
  await tools.create('papers', { title: 't', places, note: null, turn: 5, big: 5n, at: new Date(0) })
  // @ts-expect-error: a required field may not be undefined.
  await tools.create('papers', { title: undefined, places })
  // @ts-expect-error: a required field is missing.
  await tools.create('papers', { title: 't' })
  await tools.create('papers', { title: undefined, note: 'x' }, id)
  await tools.create('papers', {}, id)
  // @ts-expect-error: it may be that there is no id, so the required fields must be given.
  await tools.create('papers', { note: 'x' }, maybeId)
  await tools.create('papers', { title: 't', places }, maybeId)
  await tools.update('papers', id, { title: undefined, note: undefined, state: 'final' })
  // @ts-expect-error: a required field cannot be emptied.
  await tools.update('papers', id, { title: null })
  await tools.updateWhere('papers', { title: 't' }, { note: undefined })
  await tools.increment('papers', id, { size: undefined, price: '0.5', big: 1n })
  // @ts-expect-error: a text field cannot be counted up.
  await tools.increment('papers', id, { title: 1 })
}

/** What the system or the database writes is ruled out by name. */
export async function unwritableFields() {
  const record = await tools.get('papers', id)
  if (!record.success) return
  const { twice, row, counter, big_counter, stamp, ...own } = record.data.record.data
  await tools.create('papers', own)
  await tools.update('papers', id, { ...own, note: 'x' })
  // @ts-expect-error: what the database computes is not given.
  await tools.create('papers', { ...own, twice })
  // @ts-expect-error: what the database numbers is not given.
  await tools.create('papers', { ...own, row })
  // @ts-expect-error: a serial is not given.
  await tools.create('papers', { ...own, counter })
  // @ts-expect-error: a serial is not given.
  await tools.create('papers', { ...own, big_counter })
  // @ts-expect-error: the system manages it.
  await tools.create('papers', { ...own, stamp })
  const { createdBy } = record.data.record
  const copied = { ...own, createdBy }
  // @ts-expect-error: a system field is refused in a value that was made before, too.
  await tools.create('papers', copied)
}

/** `$type` is taken and given as it is. */
export async function typedJson() {
  const value: Place = { city: 'x', tags: [], address: { floor: undefined } }
  await tools.create('papers', { title: 't', places: [value], place: value })
  await tools.update('papers', id, { place: value, word: 'a' })
  // @ts-expect-error: it lacks its tags.
  await tools.update('papers', id, { place: { city: 'x' } })
  // @ts-expect-error: a place has no such field.
  await tools.update('papers', id, { place: { city: 'x', tags: [], zip: 5 } })
  // @ts-expect-error: it is one of its own words.
  await tools.update('papers', id, { word: 'c' })
  await asCaller.create('papers', { title: 't', places: [value] })
  await client.papers.create.mutate({ data: { title: 't', places: [value] } })
  const read = await client.papers.get.query({ recordId: id })
  if (!read.success) return
  const given: Place | null = read.data.record.data.place
  holds<Same<typeof read.data.record.data.places, Place[]>>()
  given?.address?.street?.trim()
}

/** JSON and geometry are asked for by isNull alone, whatever they hold. */
export async function conditions() {
  await tools.count('papers', { place: { isNull: true }, word: { isNull: false }, spot: { isNull: true } })
  // @ts-expect-error: JSON is not compared.
  await tools.count('papers', { word: 'a' })
  // @ts-expect-error: JSON is not compared, a list in it neither.
  await tools.count('papers', { words: { has: 'a' } })
  // @ts-expect-error: a point is no array.
  await tools.count('papers', { spot: { has: 1 } })
  // @ts-expect-error: undefined never widens a query.
  await tools.count('papers', { title: undefined })
  await tools.count('papers', { labels: { has: 'x' }, recordId: { in: [id] }, createdBy: null, twice: 2 })
  // @ts-expect-error: there is no field of this name.
  await tools.count('papers', { NOT: { titel: 'x' } })
  const where: Where<{ title: string }> = {
    title: { contains: 'x' },
    OR: [{ createdAt: { gt: new Date() } }],
  }
  return where
}

/** JSON, geometry and arrays have no order. */
export async function orders() {
  await tools.query('papers', { orderBy: 'price' })
  await tools.query('papers', { orderBy: 'at' })
  await tools.query('papers', { orderBy: 'recordId' })
  // @ts-expect-error: JSON has no order.
  await tools.query('papers', { orderBy: 'place' })
  // @ts-expect-error: JSON has no order.
  await asCaller.query('papers', { orderBy: 'word' })
  // @ts-expect-error: an array has no order.
  await client.papers.list.query({ orderBy: 'labels' })
  // @ts-expect-error: a point has no order.
  await tools.query('papers', { orderBy: 'spot' })
}

/** What no role may write is left out of what callers give. */
export async function callers() {
  await client.papers.create.mutate({ data: { title: 't', places, note: undefined, state: 'final' } })
  await client.papers.create.mutate({ data: { size: 5, title: 't' }, recordId: id })
  // @ts-expect-error: the only role that writes it cannot create.
  await client.papers.create.mutate({ data: { title: 't', places, size: 5 } })
  // @ts-expect-error: no role writes it.
  await client.papers.create.mutate({ data: { title: 't', places, price: '5' } })
  await client.papers.update.mutate({ recordId: id, patch: { size: 5, note: undefined, title: 't' } })
  // @ts-expect-error: no role writes it.
  await client.papers.update.mutate({ recordId: id, patch: { labels: [] } })
  // @ts-expect-error: the system manages it.
  await client.papers.update.mutate({ recordId: id, patch: { stamp: 'x' } })
  const read = await client.papers.get.query({ recordId: id })
  if (!read.success) return
  // @ts-expect-error: a record as it was read holds more than a caller may give.
  await client.papers.create.mutate({ data: read.data.record.data })

  // @ts-expect-error: no role writes anything.
  await client.totals.create.mutate({ data: { sum: 5 } })
  // @ts-expect-error: no role writes anything.
  await client.totals.update.mutate({ recordId: id, patch: { sum: 5 } })
  // @ts-expect-error: nothing is allowed.
  await client.closed.create.mutate({ data: { sum: 5 }, recordId: id })
  // @ts-expect-error: nothing is allowed.
  await client.closed.update.mutate({ recordId: id, patch: {} })

  await client.seats.update.mutate({ recordId: id, patch: { guest: 'ada' } })
  await client.seats.create.mutate({ data: { guest: 'ada' }, recordId: id })
  // @ts-expect-error: no role creates, so there must be a record.
  await client.seats.create.mutate({ data: { row: 1, guest: 'ada' } })
  // @ts-expect-error: by default a role writes what it reads, and no role reads this.
  await client.seats.update.mutate({ recordId: id, patch: { secret: 'x' } })

  await client.open.create.mutate({ data: { title: 't', note: 'an admin may' } })
  await client.apart.create.mutate({ data: { title: 't' } })
  // @ts-expect-error: no role writes it.
  await client.apart.create.mutate({ data: { title: 't', note: 'x' } })

  // The same as the caller, in an action.
  await asCaller.create('papers', { title: 't', places, note: undefined })
  await asCaller.create('papers', { size: 5 }, id)
  // @ts-expect-error: no role writes it.
  await asCaller.update('papers', id, { price: '5' })
  // @ts-expect-error: nothing is allowed.
  await asCaller.create('closed', { sum: 5 })
  // The app itself may.
  await tools.create('closed', { sum: 5 })
  await tools.update('papers', id, { price: '5' })
}

/** Where a role reads a part, every field may be absent. */
export async function hidden() {
  const seat = await client.seats.get.query({ recordId: id })
  if (seat.success)
    holds<
      Same<typeof seat.data.record.data, { row?: number; guest?: string | null; secret?: string | null }>
    >()
  const paper = await client.papers.get.query({ recordId: id })
  if (paper.success) holds<Same<typeof paper.data.record.data, TypesOf<typeof papers>['record']>>()
}
