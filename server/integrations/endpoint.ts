/** One segment of an endpoint, after decoding. */
const SEGMENT = /^[a-z0-9][a-z0-9._-]{0,99}$/

export interface EndpointTarget {
  readonly integration: string
  readonly endpoint: string
}

/**
 * Reads `integration/endpoint`. Segments are decoded before they are checked, and only what was checked is
 * used from then on: what is called is what the payer was decided from.
 *
 * @returns undefined unless there are exactly two good segments.
 */
export function parseEndpoint(text: string): EndpointTarget | undefined {
  const segments = text.split('/').map(decodeOrUndefined)
  const [integration, endpoint] = segments
  if (segments.length !== 2 || !integration || !endpoint) return undefined
  if (!isSegment(integration) || !isSegment(endpoint)) return undefined
  return { integration, endpoint }
}

/** Whether a text can be one half of an endpoint. */
export function isSegment(text: string): boolean {
  return SEGMENT.test(text)
}

function decodeOrUndefined(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
