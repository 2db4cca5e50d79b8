import { randomInt, randomUUID } from 'node:crypto'

/** Someone who signs in, behind a proxy that says their address; keeps cookies as a browser does. */
export class TestPerson {
  readonly email = `${randomUUID()}@example.com`
  readonly password = 'a long password'
  readonly address: string
  readonly #url: string
  readonly #origin: string
  readonly #cookies: Map<string, string>

  constructor(url: string, origin: string, cookies?: ReadonlyMap<string, string>, address = randomAddress()) {
    this.#url = url
    this.#origin = origin
    this.#cookies = new Map(cookies)
    this.address = address
  }

  /** As they are now. */
  get cookies(): ReadonlyMap<string, string> {
    return new Map(this.#cookies)
  }

  get(path: string): Promise<Response> {
    return this.#send(path, { redirect: 'manual' })
  }

  post(path: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return this.#send(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  }

  signUp(name: string): Promise<Response> {
    return this.post('/auth/sign-up/email', { name, email: this.email, password: this.password })
  }

  /** A token for Deputy. */
  async token(): Promise<string> {
    const answer = await this.get('/auth/token')
    if (!answer.ok) throw new Error(`There is no token: ${answer.status} ${await answer.text()}`)
    return JSON.parse(await answer.text()).token
  }

  /** Calls Deputy, which is shown no cookie: a query by GET, an action by its input. */
  async call(path: string, input?: object, token?: string): Promise<Response> {
    const headers = {
      authorization: `Bearer ${token ?? (await this.token())}`,
      'x-forwarded-for': this.address,
    }
    if (input === undefined)
      return fetch(this.#url + path, { method: path.endsWith('/me') ? 'GET' : 'POST', headers })
    return fetch(this.#url + path, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(input),
    })
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const answer = await fetch(this.#url + path, {
      ...init,
      headers: {
        origin: this.#origin,
        'x-forwarded-for': this.address,
        ...(this.#cookies.size === 0
          ? {}
          : { cookie: [...this.#cookies].map((pair) => pair.join('=')).join('; ') }),
        ...(init.headers as Record<string, string> | undefined),
      },
    })
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (/; Max-Age=0(?:;|$)/.test(cookie)) this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    return answer
  }
}

/** An address of documentation's own ranges is no one's, and the chance that two are one is small. */
function randomAddress(): string {
  return `2001:db8:${[1, 2].map(() => randomInt(65_536).toString(16)).join(':')}::1`
}
