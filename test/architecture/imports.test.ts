import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
/** Fewer files than this were read: the check has gone blind. */
const MIN_FILES = 70

/** The app's rooms; the engine may look at their types, in one file. */
const APP_ROOMS = [
  /^server\/routers\/actions\//,
  /^server\/routes\.ts$/,
  /^server\/env\.ts$/,
  /^integrations\.ts$/,
  /^drizzle\/collections\.ts$/,
]
const COMPOSITION = 'server/app.ts'
const APP_TYPES = 'server/builders/app-types.ts'
/** From the outermost layer to the innermost: a file imports from its own layer and from later ones. */
const LAYERS: readonly (readonly [string, RegExp])[] = [
  ['main', /^server\/(main|app|cli\/.*)\.ts$/],
  ['lifecycle', /^server\/(lifecycle|env)\//],
  ['http', /^server\/http\//],
  ['routers', /^server\/routers\/[^/]+\.ts$/],
  ['action', /^server\/(builders|trpc)\//],
  ['invocation', /^server\/invocation\//],
  ['queue', /^server\/queue\//],
  ['records', /^server\/records\//],
  ['audit', /^server\/audit\//],
  ['ledger', /^server\/ledger\//],
  ['tools', /^server\/tools\//],
  ['capabilities', /^server\/(auth|db|integrations)\//],
  ['wire', /^server\/wire\//],
  ['drizzle', /^drizzle\//],
  ['core', /^server\/core\//],
]

interface Import {
  readonly from: string
  readonly to: string
  readonly typeOnly: boolean
}

const files = ['server', 'client', 'drizzle'].flatMap(list).concat('integrations.ts')
const imports = files.flatMap(importsOf)

describe('the rooms of the house', () => {
  it('are all seen by this test', () => {
    expect(files.length).toBeGreaterThan(MIN_FILES)
    expect(imports.length).toBeGreaterThan(files.length)
    const homeless = files.filter(
      (file) =>
        file.startsWith('server/') && layerOf(file) < 0 && !isApp(file) && file !== 'server/deputy.ts',
    )
    expect(homeless).toEqual([])
  })

  it('import one way only, from the outer layers to the inner ones', () => {
    const wrong = imports.filter(({ from, to, typeOnly }) => {
      const [outer, inner] = [layerOf(from), layerOf(to)]
      return outer >= 0 && inner >= 0 && inner < outer && !typeOnly
    })
    expect(wrong).toEqual([])
  })

  it('hold no circle of imports', () => {
    expect(findCycle(imports.filter(({ typeOnly }) => !typeOnly))).toEqual([])
  })

  it('keep the engine away from the values of the app, but in the composition', () => {
    const wrong = imports.filter(({ from, to, typeOnly }) => {
      if (isApp(from) || !isApp(to) || from === COMPOSITION) return false
      return !(from === APP_TYPES && typeOnly)
    })
    expect(wrong).toEqual([])
  })

  it('give actions the authoring entry and nothing else of the engine', () => {
    const wrong = imports.filter(
      ({ from, to }) => from.startsWith('server/routers/actions/') && !isApp(to) && to !== 'server/deputy.ts',
    )
    expect(wrong).toEqual([])
  })

  it('give the client nothing but types of the server', () => {
    expect(
      imports.filter(
        ({ from, to, typeOnly }) => from.startsWith('client/') && !to.startsWith('client/') && !typeOnly,
      ),
    ).toEqual([])
  })

  it('read the environment in one file', () => {
    const readers = files.filter((file) => /process\.env\b/.test(source(file)))
    expect(readers).toEqual(['server/env/environment.ts'])
  })

  it('use sql.raw for constants of the schema alone', () => {
    const uses = files.flatMap((file) => source(file).match(/sql\.raw\([^)]*\)*/g) ?? [])
    expect(new Set(uses)).toEqual(new Set(['sql.raw(column.getSQLType())', 'sql.raw(columnList)']))
  })
})

function list(directory: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(directory, name))
}

function source(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

function importsOf(from: string): Import[] {
  const statements = source(from).matchAll(
    /^(?:import|export)\s+(type\s+)?(?:([^'"]*?)\s+from\s+)?['"](\.[^'"]+)['"]/gms,
  )
  return [...statements].map(([, type, clause, specifier = '']) => ({
    from,
    to: relative(root, resolve(root, dirname(from), specifier)),
    typeOnly: type !== undefined || onlyTypes(clause),
  }))
}

function onlyTypes(clause: string | undefined): boolean {
  const names = /^\{([^}]*)\}$/s.exec(clause?.trim() ?? '')?.[1]
  return (
    names
      ?.split(',')
      .filter((name) => name.trim() !== '')
      .every((name) => name.trim().startsWith('type ')) ?? false
  )
}

function isApp(file: string): boolean {
  return APP_ROOMS.some((room) => room.test(file))
}

function layerOf(file: string): number {
  return isApp(file) ? -1 : LAYERS.findIndex(([, pattern]) => pattern.test(file))
}

function findCycle(edges: readonly Import[]): string[] {
  const next = new Map<string, Import[]>()
  for (const edge of edges) next.set(edge.from, [...(next.get(edge.from) ?? []), edge])
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return []
    for (const { to } of next.get(file) ?? []) {
      const cycle = visit(to, [...path, file])
      if (cycle.length > 0) return cycle
    }
    done.add(file)
    return []
  }
  for (const file of next.keys()) {
    const cycle = visit(file, [])
    if (cycle.length > 0) return cycle
  }
  return []
}
