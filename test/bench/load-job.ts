/** A request. `{id}` in its path, a header or its body stands for what no other request has. */
export interface RequestTemplate {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** A number of requests, each sent when the one before it on the same connection has been answered. */
export interface LoadJob {
  /** Connections are spread over them. */
  readonly urls: readonly string[]
  readonly connections: number
  /** At least one for each connection. */
  readonly requests: number
  /** Ends it then, however many requests were sent. @default when all are answered */
  readonly seconds?: number
  /** Each request is made from one of them, taken at random. */
  readonly templates: readonly RequestTemplate[]
  /** Like no other job's: every `{id}` begins with it. */
  readonly name: string
}

export interface LoadResult {
  /** Status → how many requests were answered with it. */
  readonly statuses: Readonly<Record<string, number>>
  /** Requests without an answer. */
  readonly lost: number
  /** Answered with 200, in a second, while every connection had requests left. */
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly seconds: number
}
