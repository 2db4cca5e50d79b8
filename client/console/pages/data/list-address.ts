import { addressOf } from '../../shell/route.ts'

/** What of a collection is shown. */
export interface ListQuery {
  /** JSON; empty for all records. */
  readonly where: string
  readonly orderBy: string
  readonly orderDir: string
  /** The user whose view is marked; empty for none. */
  readonly as: string
  /** By whose authority the owner reads: the app's, or their own by the rules. */
  readonly through: 'app' | 'rules'
}

const NAMES = ['where', 'orderBy', 'orderDir', 'as'] as const

/** Reads the query of an address. */
export function readListQuery(text: string): ListQuery {
  const given = new URLSearchParams(text)
  const [where = '', orderBy = '', orderDir = '', as = ''] = NAMES.map((name) => given.get(name) ?? '')
  return { where, orderBy, orderDir, as, through: given.get('through') === 'rules' ? 'rules' : 'app' }
}

/** Writes the address of a list. */
export function listAddress(collection: string, query: Partial<ListQuery> = {}): string {
  const text = textOf(query)
  return text === '' ? addressOf('data', collection) : addressOf('data', collection, 'list', text)
}

/** Writes the address of a record. */
export function recordAddress(
  collection: string,
  recordId: string,
  { as, through }: Partial<ListQuery> = {},
): string {
  const text = textOf({ ...(as ? { as } : {}), ...(through ? { through } : {}) })
  return addressOf('data', collection, 'record', recordId, ...(text === '' ? [] : [text]))
}

function textOf(query: Partial<ListQuery>): string {
  const said = NAMES.flatMap((name): [string, string][] => (query[name] ? [[name, query[name]]] : []))
  if (query.through === 'rules') said.push(['through', 'rules'])
  return String(new URLSearchParams(said))
}
