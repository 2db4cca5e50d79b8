export type ArrayText = readonly (string | null | ArrayText)[]

/** Parses the text form of an array (PostgreSQL manual, 8.15.6). */
export function parseArray(text: string): ArrayText {
  // Arrays with other lower bounds than 1 say so first: `[0:1]={a,b}`.
  const start = text.indexOf('{')
  const tokens = text.slice(start).matchAll(/"((?:[^"\\]|\\.)*)"|[{}]|,|((?:[^",{}\\]|\\.)+)/gs)
  const open: (string | null | ArrayText)[][] = [[]]
  for (const [token, quoted, bare] of tokens) {
    const list = open.at(-1) ?? []
    if (token === '{') {
      const inner: (string | null | ArrayText)[] = []
      list.push(inner)
      open.push(inner)
    } else if (token === '}') open.pop()
    else if (quoted !== undefined) list.push(quoted.replace(/\\(.)/gs, '$1'))
    else if (bare !== undefined) list.push(bare === 'NULL' ? null : bare.replace(/\\(.)/gs, '$1'))
  }
  const whole = open[0]?.[0]
  return Array.isArray(whole) ? whole : []
}
