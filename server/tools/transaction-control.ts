const CONTROL =
  /^(?:begin|start|commit|end|rollback|abort|savepoint|release|prepare|set|reset|discard|deallocate|listen|unlisten|copy)\b/i
const SKIPPED = /^(?:[\s;]+|--[^\n\r]*)/
const COMMENT_EDGE = /\/\*|\*\//g

/** Whether a statement would end or alter the transaction it runs in. Empty statements and comments hide nothing. */
export function isTransactionControl(text: string): boolean {
  return CONTROL.test(withoutPreamble(text))
}

/** What is left after the white space, semicolons and comments that a statement may begin with. */
function withoutPreamble(text: string): string {
  let rest = text
  for (;;) {
    const length = rest.startsWith('/*') ? commentLength(rest) : (SKIPPED.exec(rest)?.[0].length ?? 0)
    if (length === 0) return rest
    rest = rest.slice(length)
  }
}

/** Postgres lets block comments stand inside each other (manual, 4.1.5). */
function commentLength(text: string): number {
  let depth = 0
  for (const edge of text.matchAll(COMMENT_EDGE)) {
    depth += edge[0] === '/*' ? 1 : -1
    if (depth === 0) return edge.index + 2
  }
  return text.length
}
