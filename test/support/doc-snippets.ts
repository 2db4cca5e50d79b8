import { readFile } from 'node:fs/promises'

const FENCE = /^```(?<info>[^\n]*)\n(?<text>.*?)^```$/gms

/**
 * The snippets of a page of `docs/` whose fence names them: "```sql two-roles" is `two-roles`. Tests run what people are
 * told to run.
 *
 * @throws {Error} when two have the same name.
 */
export async function docSnippets(page: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(new URL(`../../docs/${page}`, import.meta.url), 'utf8')
  const found = new Map<string, string>()
  for (const { groups: { info = '', text: snippet = '' } = {} } of text.matchAll(FENCE)) {
    const name = info.split(' ')[1]
    if (name === undefined) continue
    if (found.has(name)) throw new Error(`${page} has two snippets named ${name}`)
    found.set(name, snippet)
  }
  return found
}
