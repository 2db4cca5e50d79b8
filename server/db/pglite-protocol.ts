import { messages, type PGlite, protocol, types } from '@electric-sql/pglite'
import type { QueryResult, Statement } from './database.ts'

/** Types whose values are no text, as postgres.js has them; of all others Drizzle's columns read the text. */
const PARSERS: ReadonlyMap<number, (text: string) => unknown> = new Map<number, (text: string) => unknown>([
  [types.BOOL, (text) => text === 't'],
  [types.INT2, Number],
  [types.INT4, Number],
  [types.OID, Number],
  [types.FLOAT4, Number],
  [types.FLOAT8, Number],
  [types.BYTEA, (text) => Buffer.from(text.slice(2), 'hex')],
])
const DATA_ROW = 'D'.charCodeAt(0)
const CODE_BYTES = 1
const LENGTH_BYTES = 4

/**
 * Runs one statement on PGlite by the protocol itself. PGlite's own reader decodes with a TextDecoder, which drops
 * U+FEFF at the beginning of a value. Only one of these may be under way at a time.
 *
 * @throws {messages.DatabaseError}
 */
export async function runStatement(engine: PGlite, { sql, params }: Statement): Promise<QueryResult> {
  const { serialize } = protocol
  const exchange = async (parts: readonly Uint8Array[], syncToFs = false) => {
    const answer = await send(engine, Buffer.concat(parts), syncToFs)
    const read: messages.BackendMessage[] = []
    new protocol.Parser().parse(answer, (message) => read.push(message))
    return { answer, read }
  }
  try {
    const described = await exchange([serialize.parse({ text: sql }), serialize.describe({ type: 'S' })])
    const prepared = failUnlessRead(described.read)
    const parameters = prepared.find((message) => message instanceof messages.ParameterDescriptionMessage)
    const values = params.map((value, at) => toText(engine, value, parameters?.dataTypeIDs[at]))
    const executed = await exchange([
      serialize.bind({ values }),
      serialize.describe({ type: 'P' }),
      serialize.execute({}),
    ])
    return toResult(failUnlessRead(executed.read), executed.answer)
  } finally {
    await exchange([serialize.sync()], true)
  }
}

/** Not by `execProtocolRaw`: it keeps what it has read of every answer, for ever (PGlite 0.5). */
async function send(engine: PGlite, request: Uint8Array, syncToFs: boolean): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  await engine.execProtocolRawStream(request, {
    syncToFs,
    // Copied: the memory is the engine's own.
    onRawData: (data) => chunks.push(Buffer.from(data)),
  })
  return Buffer.concat(chunks)
}

function failUnlessRead(read: readonly messages.BackendMessage[]): readonly messages.BackendMessage[] {
  for (const message of read) if (message instanceof messages.DatabaseError) throw message
  return read
}

function toText(engine: PGlite, value: unknown, type: number | undefined): string | null {
  if (value === null || value === undefined) return null
  const serialize = type === undefined ? undefined : engine.serializers[type]
  return serialize ? serialize(value) : String(value)
}

function toResult(read: readonly messages.BackendMessage[], answer: Uint8Array): QueryResult {
  const row = read.find((message) => message instanceof messages.RowDescriptionMessage)
  const fields = row?.fields ?? []
  const parsers = fields.map(({ dataTypeID }) => PARSERS.get(dataTypeID))
  const complete = read.find((message) => message instanceof messages.CommandCompleteMessage)
  return {
    rows: rowsOf(answer, parsers),
    columns: fields.map(({ name }) => name),
    command: complete?.text.split(' ')[0] ?? '',
  }
}

/** Reads the rows (PostgreSQL manual, 55.7, DataRow) among the messages. */
function rowsOf(
  answer: Uint8Array,
  parsers: readonly (((text: string) => unknown) | undefined)[],
): unknown[][] {
  const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength)
  const rows: unknown[][] = []
  for (let at = 0; at < bytes.length; at += CODE_BYTES + bytes.readUInt32BE(at + CODE_BYTES)) {
    if (bytes[at] !== DATA_ROW) continue
    const row: unknown[] = []
    let from = at + CODE_BYTES + LENGTH_BYTES + 2
    for (const parse of parsers) {
      const length = bytes.readInt32BE(from)
      from += LENGTH_BYTES
      if (length < 0) {
        row.push(null)
        continue
      }
      const text = bytes.toString('utf8', from, from + length)
      row.push(parse ? parse(text) : text)
      from += length
    }
    rows.push(row)
  }
  return rows
}
