import { type MutationCacheNotifyEvent, QueryClient } from '@tanstack/react-query'
import { type UntypedClient, untypedClient } from '../core/call-proxy.ts'
import type { Client } from '../core/client-types.ts'
import { type ClientOptions, createClient } from '../core/index.ts'
import type { AnyDeputyRouter } from '../core/router-types.ts'
import { transformer } from '../core/transformer.ts'
import { Interruptions } from './interruptions.ts'
import { Refreshes } from './refreshes.ts'
import { Submissions } from './submissions.ts'
import { TokenUser } from './token-user.ts'

export interface ConnectOptions extends ClientOptions {
  /** What queries are kept in. @default a new one */
  readonly queryClient?: QueryClient
  /** Whether what a mutation wrote is read again. @default true */
  readonly refresh?: boolean
}

/** A server, and what its answers are kept in. */
export interface DeputyConnection<TRouter extends AnyDeputyRouter> {
  readonly queryClient: QueryClient
  readonly client: Client<TRouter>
}

/** What the procedures of one connection need. */
export interface Connected {
  readonly client: UntypedClient
  readonly submissions: Submissions
  /** undefined where nothing is read again. */
  readonly refreshes: Refreshes | undefined
  /** Who is signed in. */
  readonly user: TokenUser
  readonly interruptions: Interruptions
}

/** The connections of one deputy, by the query client, which every query and mutation is given. */
export class Connections {
  readonly #name: string
  readonly #connected = new WeakMap<QueryClient, Connected & { readonly end: () => void }>()

  constructor(name: string) {
    this.#name = name
  }

  /** Connects a query client with a server. A second connection of the same takes the place of the first. */
  connect<TRouter extends AnyDeputyRouter>(options: ConnectOptions): DeputyConnection<TRouter> {
    const { queryClient = newQueryClient(), refresh = true, token, onWritten, ...rest } = options
    const user = new TokenUser()
    const refreshes = refresh ? new Refreshes(queryClient, this.#name) : undefined
    const client = createClient<TRouter>({
      ...rest,
      token: user.following(token),
      ...(refreshes || onWritten
        ? {
            onWritten: (written) => {
              refreshes?.written(written)
              onWritten?.(written)
            },
          }
        : {}),
    })
    this.#connected.get(queryClient)?.end()
    const submissions = new Submissions(queryClient.getMutationCache())
    const end = queryClient.getMutationCache().subscribe((event) => this.#endSubmission(submissions, event))
    this.#connected.set(queryClient, {
      client: untypedClient(client),
      submissions,
      refreshes,
      user,
      interruptions: new Interruptions(),
      end,
    })
    // The client repeats what may pass; by default the query client would repeat the same, and what will not pass too.
    if (queryClient.getDefaultOptions().queries?.retry === undefined)
      queryClient.setQueryDefaults([this.#name], { retry: false })
    return { queryClient, client }
  }

  /** @throws {Error} for a query client that is not connected. */
  of(queryClient: QueryClient): Connected {
    const connected = this.#connected.get(queryClient)
    if (connected) return connected
    throw new Error(
      `This QueryClient is not connected with a server: call deputy.connect({ url, queryClient }), and give the components what it returns, <deputy.Provider connection={connection}>.`,
    )
  }

  #endSubmission(submissions: Submissions, event: MutationCacheNotifyEvent): void {
    const { mutation } = event
    if (!mutation || mutation.state.status === 'pending' || mutation.state.status === 'idle') return
    const [name, ...path] = mutation.options.mutationKey ?? []
    if (event.type !== 'updated' || name !== this.#name) return
    submissions.settle({ name, path: path.map(String), asResult: false }, mutation.state.variables)
  }
}

/** What a server renders is sent as JSON: this keeps dates and bigints in it. */
export const hydration = {
  dehydrate: { serializeData: transformer.serialize },
  hydrate: { deserializeData: transformer.deserialize },
} as const

function newQueryClient(): QueryClient {
  return new QueryClient({ defaultOptions: hydration })
}
