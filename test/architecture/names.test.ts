import { describe, expect, it } from 'vitest'
import { isApp } from '../../server/cli/repository/app-paths.ts'
import { exportedTypesOf, filesIn, isCode, source } from './module-graph.ts'

/** Fewer names than these were read: the check has gone blind. */
const MIN_TYPES = 400
const MIN_WORDS = 60

const files = ['server', 'client/core', 'client/react', 'drizzle/engine']
  .flatMap(filesIn)
  .filter((file) => isCode(file) && !isApp(file))
/** Name → the files that export a class, an interface or a type of that name. */
const homes = new Map<string, string[]>()
for (const file of files) {
  for (const name of new Set(exportedTypesOf(file))) homes.set(name, [...(homes.get(name) ?? []), file])
}

const section = source('CONTRIBUTING.md').split('\n## Glossary\n')[1]?.split('\n## ')[0] ?? ''
const glossary = [...section.matchAll(/^\| ([^|`]+) \| ([^|]+) \| ([^|]+) \|$/gm)]
  .map(([, word = '', meaning = '', names = '']) => ({
    word,
    meaning,
    names: [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
  }))
  .filter(({ word }) => word !== 'Word')

describe('a class, an interface or a type that the engine exports', () => {
  it('shares its name with no other', () => {
    expect(homes.size).toBeGreaterThan(MIN_TYPES)
    expect([...homes].filter(([, exporters]) => exporters.length > 1)).toEqual([])
  })
})

describe('the glossary of CONTRIBUTING', () => {
  it('has a line for each word, with what it means and what it is called in code', () => {
    expect(glossary.length).toBeGreaterThan(MIN_WORDS)
    const words = glossary.map(({ word }) => word.toLowerCase())
    expect(words.filter((word, at) => words.indexOf(word) !== at)).toEqual([])
    expect(glossary.filter(({ names }) => names.length === 0)).toEqual([])
  })

  it('names what there is in code, each once', () => {
    const named = glossary.flatMap(({ names }) => names)
    expect(named.filter((name) => !homes.has(name))).toEqual([])
    expect(named.filter((name, at) => named.indexOf(name) !== at)).toEqual([])
  })
})
