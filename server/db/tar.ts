/** A file of an archive, or a directory, which has no content. */
export interface TarEntry {
  readonly path: string
  readonly content: Uint8Array | undefined
}

const BLOCK_BYTES = 512
const NAME = [0, 100] as const
const SIZE = [124, 136] as const
const TYPE = [156, 157] as const
const PREFIX = [345, 500] as const

/** Reads an archive (ustar) of plain files and directories. @throws {Error} at anything else, and at a path that leads out of it. */
export function* readTar(archive: Uint8Array): Generator<TarEntry> {
  const text = (from: number, to: number) =>
    Buffer.from(archive.subarray(from, to)).toString('utf8').split('\0')[0] ?? ''
  for (let at = 0; at + BLOCK_BYTES <= archive.length; ) {
    const field = ([from, to]: readonly [number, number]) => text(at + from, at + to)
    const name = field(NAME)
    // Two blocks of zeros end it.
    if (name === '') return
    const path = [field(PREFIX), name].filter((part) => part !== '').join('/')
    if (path.split('/').includes('..')) throw new Error(`An archive has the path ${JSON.stringify(path)}`)
    const bytes = Number.parseInt(field(SIZE) || '0', 8)
    const type = field(TYPE)
    at += BLOCK_BYTES
    switch (type) {
      case '5':
        yield { path, content: undefined }
        break
      case '0':
      case '':
        yield { path, content: archive.subarray(at, at + bytes) }
        break
      default:
        throw new Error(`An archive has an entry of type ${JSON.stringify(type)}`)
    }
    at += Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES
  }
}
