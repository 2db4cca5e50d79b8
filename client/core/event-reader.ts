/** An event of a stream: its type, and what it holds. */
export interface StreamEvent {
  readonly type: string
  readonly data: string
  readonly id: string | undefined
}

/**
 * Reads server-sent events (HTML, 9.2.6) from the pieces of a text, as this server writes them: its lines end with LF, and
 * an event has one line of data.
 *
 * @returns a function that is given each piece, and gives the events that it has completed
 */
export function createEventReader(): (piece: string) => StreamEvent[] {
  let rest = ''
  return (piece) => {
    const blocks = (rest + piece).split('\n\n')
    rest = blocks.pop() ?? ''
    return blocks.flatMap((block) => eventIn(block) ?? [])
  }
}

function eventIn(block: string): StreamEvent | undefined {
  let type = 'message'
  let data: string | undefined
  let id: string | undefined
  for (const line of block.split('\n')) {
    const at = line.indexOf(': ')
    const value = line.slice(at + 2)
    if (line.startsWith('event: ')) type = value
    else if (line.startsWith('data: ')) data = value
    else if (line.startsWith('id: ')) id = value
  }
  return data === undefined ? undefined : { type, data, id }
}
