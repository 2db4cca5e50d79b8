import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { parseAst } from 'vitest/node'

const root = resolve(import.meta.dirname, '../..')

/** A place in a file that names a module. */
export interface NamedModule {
  /** As it is written; undefined where it is worked out when the file runs. */
  readonly specifier: string | undefined
  readonly typeOnly: boolean
}

/** Stands for a specifier that is not written out. */
export const WORKED_OUT = '(worked out when it runs)'

/** What one file imports. */
export interface Import {
  readonly from: string
  /** A path from the root of the repository, or what names a package. */
  readonly to: string
  readonly isFile: boolean
  readonly typeOnly: boolean
}

/** Holds apps as they are written elsewhere, which are neither the engine's files nor this repository's app. */
const TEMPLATES = 'server/cli/template/'

/** All files in a directory of the repository, but for templates; a directory that is not there has none. */
export function filesIn(directory: string): string[] {
  const path = join(root, directory)
  if (!existsSync(path)) return []
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith(TEMPLATES))
}

export function foldersIn(directory: string): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
}

export function isThere(path: string): boolean {
  return existsSync(join(root, path))
}

export function source(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

export function isCode(file: string): boolean {
  return /\.[cm]?[jt]sx?$/.test(file)
}

export function importsOf(from: string): Import[] {
  const modules = modulesNamedIn(source(from), from.endsWith('x') ? 'tsx' : 'ts')
  return modules.map(({ specifier = WORKED_OUT, typeOnly }) => {
    const isFile = specifier.startsWith('.')
    const to = isFile ? relative(root, resolve(root, dirname(from), specifier)) : specifier
    return { from, to, isFile, typeOnly }
  })
}

/** Every module that a source names: in `import` and `export … from`, in `import()`, and in types. */
export function modulesNamedIn(text: string, lang: 'ts' | 'tsx' = 'ts'): NamedModule[] {
  return [...named(parseAst(text, { lang }))]
}

/** The names of the classes, interfaces and types that a file declares and exports. */
export function exportedTypesOf(file: string): string[] {
  const { body } = parseAst(source(file), { lang: file.endsWith('x') ? 'tsx' : 'ts' })
  return body.flatMap((node) => {
    const declaration = node.type === 'ExportNamedDeclaration' ? node.declaration : null
    if (!declaration || !TYPE_DECLARATIONS.has(declaration.type) || !('id' in declaration)) return []
    const { id } = declaration
    return isNode(id) && typeof id.name === 'string' ? [id.name] : []
  })
}

const TYPE_DECLARATIONS: ReadonlySet<unknown> = new Set([
  'ClassDeclaration',
  'TSInterfaceDeclaration',
  'TSTypeAliasDeclaration',
])

/** What the imports are that lie on a circle, or between two. */
export function circular(imports: readonly Import[]): readonly Import[] {
  const importing = new Set(imports.map(({ from }) => from))
  const imported = new Set(imports.map(({ to }) => to))
  const rest = imports.filter(({ from, to }) => imported.has(from) && importing.has(to))
  return rest.length === imports.length ? rest : circular(rest)
}

const WITH_SOURCE: ReadonlySet<unknown> = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
])

function* named(node: unknown): Generator<NamedModule> {
  if (Array.isArray(node)) for (const item of node) yield* named(item)
  if (!isNode(node)) return
  if (WITH_SOURCE.has(node.type) && node.source !== null) {
    yield { specifier: textOf(node.source), typeOnly: isTypeOnly(node) }
  }
  for (const child of Object.values(node)) yield* named(child)
}

function isNode(value: unknown): value is { readonly type: unknown; readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && 'type' in value
}

function textOf(node: unknown): string | undefined {
  return isNode(node) && typeof node.value === 'string' ? node.value : undefined
}

function isTypeOnly({ type, importKind, exportKind, specifiers }: Record<string, unknown>): boolean {
  if (type === 'TSImportType' || importKind === 'type' || exportKind === 'type') return true
  if (!Array.isArray(specifiers) || specifiers.length === 0) return false
  return specifiers.every((specifier) => specifier.importKind === 'type' || specifier.exportKind === 'type')
}
