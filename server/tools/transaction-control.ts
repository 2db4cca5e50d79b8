const CONTROL =
  /^(?:begin|start|commit|end|rollback|abort|savepoint|release|prepare|set|reset|discard|deallocate|listen|unlisten|copy)\b/i
const SKIPPED = /^(?:[\s;]+|--[^\n\r]*)/
const COMMENT_EDGE = /\/\*|\*\//g

/** Whether a statement would end or change the transaction it runs in, also after empty statements and comments. */
export function isTransactionControl(text: string): boolean {
  return CONTROL.test(withoutPreamble(text))
}

/** Removes the white space, semicolons and comments that a statement begins with. */
function withoutPreamble(text: string): string {
  let rest = text
  for (;;) {
    const length = rest.startsWith('/*') ? commentLength(rest) : (SKIPPED.exec(rest)?.[0].length ?? 0)
    if (length === 0) return rest
    rest = rest.slice(length)
  }
}

/** Measures a comment. Postgres nests block comments (manual, 4.1.5). */
function commentLength(text: string): number {
  let depth = 0
  for (const edge of text.matchAll(COMMENT_EDGE)) {
    depth += edge[0] === '/*' ? 1 : -1
    if (depth === 0) return edge.index + 2
  }
  return text.length
}
