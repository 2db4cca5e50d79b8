import type { Engine } from '../invocation/engine.ts'

/** What a look into the database has found. */
export interface Figures {
  /** How much work there is, by kind and state. */
  readonly queue: ReadonlyMap<string, number>
  /** Seconds that the oldest due work of a kind has waited. */
  readonly oldest: ReadonlyMap<string, number>
  /** Seconds by which schedules are late; below 0 for those that are not due. */
  readonly late: ReadonlyMap<string, number>
  /** How many reservations there are, by payer and state. */
  readonly reservations: ReadonlyMap<string, number>
}

/** How long an answer is good for: whoever asks more often costs the database nothing. */
const GOOD_FOR_MS = 10_000
/** A scrape does not wait longer: it is asked for most when the database is slow. */
const PATIENCE_MS = 2_000

// Each part looks at a bounded number of rows. The lanes are found in the index, from one to the next, and the oldest
// work of each comes first.
const READ = `
  with recursive lanes (lane) as (
    (select lane from deputy.queue where state = 'queued' order by lane limit 1)
    union all
    select (select next.lane from deputy.queue as next where next.state = 'queued' and next.lane > lanes.lane
      order by next.lane limit 1)
    from lanes where lanes.lane is not null),
  clock as materialized (select now() + $1::bigint * interval '1 millisecond' as now),
  waiting as materialized (
    select work.* from (select lane from lanes where lane is not null limit 1000) as known cross join lateral (
      select kind, due_at, token from deputy.queue as it
      where it.state = 'queued' and it.lane = known.lane order by it.due_at limit 1000) as work
    limit 10000),
  dead as materialized (select kind from deputy.queue where state = 'dead' limit 10000)
  select 'queue' as what, kind || ' ' || case when due_at <= clock.now then 'due' when token is null then 'later'
    else 'running' end as name, count(*)::float8 as figure from waiting, clock group by 2
  union all
  select 'queue', kind || ' dead', count(*) from dead group by kind
  union all
  select 'oldest', kind, extract(epoch from max(clock.now - due_at)) from waiting, clock
    where due_at <= clock.now group by kind
  union all
  (select 'late', name, extract(epoch from clock.now - next_at) from deputy.schedules, clock
    where next_at is not null and not is_paused limit 1000)
  union all
  select 'reservations', payer || ' ' || state, count(*)
    from (select payer, state from deputy.credit_holds limit 10000) as hold group by payer, state`

export interface FiguresOptions extends Pick<Engine, 'database' | 'clockOffsetMs'> {
  /** How long the figures are waited for, in milliseconds. @default 2000 */
  readonly patienceMs?: number
}

/** Makes what reads the figures: by one statement, at most once in ten seconds; undefined while the database is away. */
export function createQueueFigures({
  database,
  clockOffsetMs,
  patienceMs = PATIENCE_MS,
}: FiguresOptions): () => Promise<Figures | undefined> {
  let reading: { readonly figures: Promise<Figures | undefined>; readonly untilMs: number } | undefined
  const read = async (): Promise<Figures | undefined> => {
    try {
      return toFigures((await database.query({ sql: READ, params: [clockOffsetMs()] })).rows)
    } catch {
      // That the database is away is what the scrape says.
      return undefined
    }
  }
  return () => {
    const nowMs = performance.now()
    if (!reading || nowMs >= reading.untilMs) {
      const begun = { figures: read(), untilMs: nowMs + GOOD_FOR_MS }
      reading = begun
      // What could not be read is asked for again.
      void begun.figures.then((found) => {
        if (!found && reading === begun) reading = undefined
      })
    }
    return withinPatience(reading.figures, patienceMs)
  }
}

async function withinPatience(
  figures: Promise<Figures | undefined>,
  patienceMs: number,
): Promise<Figures | undefined> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patienceMs)
  })
  try {
    return await Promise.race([figures, timeout])
  } finally {
    clearTimeout(timer)
  }
}

function toFigures(rows: readonly (readonly unknown[])[]): Figures {
  const of = (wanted: string) =>
    new Map(
      rows.filter(([what]) => what === wanted).map(([, name, figure]) => [String(name), Number(figure)]),
    )
  return { queue: of('queue'), oldest: of('oldest'), late: of('late'), reservations: of('reservations') }
}
