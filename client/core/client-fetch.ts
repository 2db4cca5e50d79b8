/** What the client asks of a request. */
export interface ClientRequest {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly signal?: AbortSignal
}

/** What the client reads of an answer. Without a status and headers a call is still answered, and repeated less well. */
export interface ClientResponse {
  readonly ok: boolean
  readonly status?: number
  readonly headers?: { get(name: string): string | null }
  json(): Promise<unknown>
  /** Read by subscriptions alone, as it comes. */
  readonly body?: {
    getReader(): { read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }> }
  } | null
}

/** A `fetch`, as far as the client uses one. */
export type ClientFetch = (url: string, init?: ClientRequest) => Promise<ClientResponse>
