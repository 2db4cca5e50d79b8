import { expect } from 'vitest'

/** What the server has answered to one message. */
export interface RawMessage {
  readonly status: number
  readonly headers: Headers
  readonly json: {
    readonly jsonrpc?: string
    readonly id?: unknown
    readonly result?: Record<string, unknown>
    readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
  }
  readonly text: string
}

/** What a tool has answered. */
export interface RawToolResult {
  readonly content: readonly { readonly type: string; readonly text: string }[]
  readonly structuredContent?: Record<string, unknown>
  readonly isError?: boolean
  readonly _meta?: Record<string, unknown>
}

/** A client of the protocol of 2025-06-18, without the library. */
export class RawClient {
  readonly #url: string
  readonly #token: string | undefined
  #nextId = 1

  constructor(url: string, token?: string) {
    this.#url = `${url}/mcp`
    this.#token = token
  }

  async send(body: string, headers: Record<string, string> = {}): Promise<RawMessage> {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2025-06-18',
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        ...headers,
      },
      body,
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json')
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} }
  }

  request(method: string, params: unknown = {}): Promise<RawMessage> {
    const id = this.#nextId++
    return this.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
  }

  async result(method: string, params: unknown = {}): Promise<Record<string, unknown>> {
    const answer = await this.request(method, params)
    expect(answer.json.error).toBeUndefined()
    expect(answer.status).toBe(200)
    return answer.json.result ?? {}
  }

  async tools(): Promise<readonly { readonly name: string; readonly [key: string]: unknown }[]> {
    return (await this.result('tools/list')).tools as never // What the protocol says of a list.
  }

  async call(name: string, args: unknown = {}, meta?: unknown): Promise<RawToolResult> {
    const params = { name, arguments: args, ...(meta === undefined ? {} : { _meta: meta }) }
    return (await this.result('tools/call', params)) as unknown as RawToolResult
  }
}
