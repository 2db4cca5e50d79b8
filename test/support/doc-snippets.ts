import { readFile } from 'node:fs/promises'

const FENCE = /^```(?<info>[^\n]*)\n(?<text>.*?)^```$/gms

/** The first line of a snippet that is a whole file. */
const FILE = /^\/\/ (?<file>\S+)\n/

/**
 * The snippets of a page of `docs/` that have a name: "```sql two-roles" is `two-roles`, and one that begins with
 * `// drizzle/tickets.ts` is that file. Tests run what people are told to run.
 *
 * @throws {Error} when two have the same name.
 */
export async function docSnippets(page: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(new URL(`../../docs/${page}`, import.meta.url), 'utf8')
  const found = new Map<string, string>()
  for (const { groups: { info = '', text: snippet = '' } = {} } of text.matchAll(FENCE)) {
    const name = info.split(' ')[1] ?? FILE.exec(snippet)?.groups?.file
    if (name === undefined) continue
    if (found.has(name)) throw new Error(`${page} has two snippets named ${name}`)
    found.set(name, snippet)
  }
  return found
}
