import { collectionDefinition } from '../../drizzle/engine/collection.ts'
import type { UserActor } from '../auth/actor.ts'
import { type ActionResult, type Failure, fail, ok } from '../core/result.ts'
import { Caller } from '../records/caller.ts'
import { RECORDS_PREFIX } from '../routers/records.ts'
import type { Catalog, CatalogEntry } from '../tools/catalog.ts'
import { type Callables, callProcedure, resultOf } from '../trpc/callable.ts'
import type { RequestContext } from '../trpc/context.ts'
import { DirectReads } from '../trpc/run-as-caller.ts'

const ADDRESS = /^deputy:\/\/records\/([^/?#]{1,64})(?:\/([^/?#]{1,1024}))?(\?[^#]*)?$/
const JSON_TYPE = 'application/json'

/** A collection as agents read it, as far as their caller may. */
export interface CollectionResources {
  readonly resource: ResourceDescription & { readonly uri: string }
  readonly templates: readonly (ResourceDescription & { readonly uriTemplate: string })[]
}

interface ResourceDescription {
  readonly name: string
  readonly description: string
  readonly mimeType: string
}

/** The collections that agents may read. */
export function agentCollections(catalog: Catalog): readonly CatalogEntry[] {
  return [...catalog.values()].filter(({ table }) => collectionDefinition(table)?.isForAgents)
}

/** Describes the collections of which a caller may read some records, with the fields that they may read. */
export async function visibleResources(
  entries: readonly CatalogEntry[],
  { ctx: { engine, requestId }, actor }: { readonly ctx: RequestContext; readonly actor: UserActor },
): Promise<ActionResult<readonly CollectionResources[]>> {
  const reads = new DirectReads(engine, requestId)
  const role = await reads.call({ tool: 'role' }, async () =>
    ok(await new Caller(reads, actor, engine).ruleActor()),
  )
  if (!role.success) return role
  const visible = entries.flatMap(({ name }) => {
    const permission = engine.policies.get(name)?.for(role.data)
    return permission?.allowsSome('read') ? [describe(name, permission.view.readable.fields)] : []
  })
  return ok(visible)
}

function describe(name: string, fields: readonly string[]): CollectionResources {
  const uri = `deputy://records/${name}`
  const known = `Fields: ${fields.join(', ')}.`
  return {
    resource: {
      uri,
      name,
      description: `The newest records of "${name}" that the caller may read. ${known}`,
      mimeType: JSON_TYPE,
    },
    templates: [
      {
        uriTemplate: `${uri}/{recordId}`,
        name: `${name}: one record`,
        description: `The record of "${name}" with this id. ${known}`,
        mimeType: JSON_TYPE,
      },
      {
        uriTemplate: `${uri}{?where,orderBy,orderDir,limit,cursor}`,
        name: `${name}: a list`,
        description: `Records of "${name}" that match; where is a JSON object, such as {"field":"value"} or {"field":{"gt":1}}. ${known}`,
        mimeType: JSON_TYPE,
      },
    ],
  }
}

/** Reads the options of a list from the query of an address. */
export type ReadListOptions = (search: string) => { readonly value: unknown } | { readonly failure: Failure }

/** Reads what an address names, as the caller. Undefined where it names nothing that agents read. */
export async function readResource(
  { entries, callables, readList }: ResourceReader,
  ctx: RequestContext,
  uri: string,
): Promise<ActionResult<unknown> | undefined> {
  const [, name, id, search = ''] = ADDRESS.exec(uri) ?? []
  if (!entries.some((entry) => entry.name === name)) return undefined
  const asked = id === undefined ? listOf(readList(search)) : recordOf(id, search)
  if (!asked) return undefined
  if ('failure' in asked) return asked.failure
  const path = `${RECORDS_PREFIX}${name}.${asked.verb}`
  const callable = callables.get(path)
  if (!callable) return undefined
  return resultOf(await callProcedure(callable, { ctx, path, batchIndex: 0, readInput: () => asked.input }))
}

export interface ResourceReader {
  readonly entries: readonly CatalogEntry[]
  readonly callables: Callables
  readonly readList: ReadListOptions
}

type Asked = { readonly verb: 'get' | 'list'; readonly input: unknown } | { readonly failure: Failure }

function listOf(read: ReturnType<ReadListOptions>): Asked {
  return 'failure' in read ? read : { verb: 'list', input: read.value }
}

function recordOf(id: string, search: string): Asked | undefined {
  if (search !== '') return { failure: fail('BAD_REQUEST', 'One record takes no parameters.') }
  try {
    return { verb: 'get', input: { recordId: decodeURIComponent(id) } }
  } catch {
    return undefined
  }
}
