import type { HeldBytes } from './held-bytes.ts'

/** One request, whatever carries it: Node's server, or the web's `fetch`. */
export interface Exchange {
  readonly method: string
  /** The address as it was sent: nearly always a path and a query. */
  readonly target: string
  /** Names and values in turn, as they were sent; none where the carrier has joined them already. */
  readonly rawHeaders: readonly string[]
  /** The address of the socket. */
  readonly peer: string | undefined
  /** The length of the body; undefined where only reading it shows that. */
  readonly bodyBytes: number | undefined
  /** What its room is held under until it is over; undefined where no one says when that is. */
  readonly holder: object | undefined
  /** Whether no one waits for the answer any more. */
  readonly isGone: boolean
  /** @param name in lower case */
  header(name: string): string | undefined
  /** Reads all of the body. Reading begins with the first call; the next ones get the same. */
  readBody(maxBytes: number): Promise<WholeBody>
}

/** A body, or why it is not there: it went on beyond its limit, or the request ended before it was complete. */
export type WholeBody = Uint8Array | 'too large' | 'ended early'

/** A whole answer, or the beginning of one that goes on. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string | Uint8Array
  /** What follows the head in place of a body. One of the two is called, once. */
  readonly stream?: AnswerStream | undefined
}

/** An answer that goes on. */
export interface AnswerStream {
  /** @param held where it notes what its reader has not taken */
  start(sink: StreamSink, held: HeldBytes): void
  /** Called where the answer is not sent. */
  cancel(): void
}

/** Where a stream is written. */
export interface StreamSink {
  /** @returns whether its reader has taken everything; otherwise `onDrain` tells when they have */
  write(bytes: Uint8Array): boolean
  onDrain(listener: () => void): void
  /** Told once its reader has gone, or it has ended. */
  onClose(listener: () => void): void
  end(last: Uint8Array): void
}

/** An answer of the app's own routes, which speak the web's types; `env` is what the carrier says beside them. */
export type WebAnswer = (request: Request, env: object) => Response | Promise<Response>

export type Answer = HttpAnswer | WebAnswer
