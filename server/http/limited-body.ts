/** A body that went on beyond its limit. */
export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError'
}

export interface LimitedBody {
  readonly request: Request
  /** Whether more came than is allowed. */
  isExceeded(): boolean
}

/** The request with a body that fails where it goes on beyond so many bytes. None of it is kept here. */
export function limitBody(request: Request, maxBytes: number): LimitedBody {
  let bytes = 0
  const { body } = request
  if (!body) return { request, isExceeded: () => false }
  const reader = body.getReader()
  const limited = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read()
        if (done) return controller.close()
        bytes += value.byteLength
        if (bytes <= maxBytes) return controller.enqueue(value)
        controller.error(new BodyTooLargeError(tooLarge(maxBytes)))
        // The rest is not wanted; how the connection ends is decided where it is answered.
        reader.releaseLock()
        return undefined
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
  const init = { body: limited, duplex: 'half' } as RequestInit // `duplex` is missing from Node's own type.
  return { request: new Request(request, init), isExceeded: () => bytes > maxBytes }
}

/** What the sender of a larger body is told. */
export function tooLarge(maxBytes: number): string {
  return `A body may have at most ${maxBytes} bytes${maxBytes === 1024 * 1024 ? '' : ' at this address'}.`
}
