import { uuidv7 } from 'uuidv7'
import { Authenticator } from './auth/authentication.ts'
import type { Engine } from './engine.ts'

/** What a procedure knows of the request that it was called by, on every transport. */
export interface RequestContext {
  readonly engine: Engine
  readonly authenticator: Authenticator
  readonly requestId: string
  readonly transport: 'trpc' | 'rest' | 'caller'
}

export interface RequestContextOptions {
  readonly authorization: string | undefined
  readonly requestId?: string | undefined
  readonly transport: RequestContext['transport']
}

export function createRequestContext(engine: Engine, options: RequestContextOptions): RequestContext {
  return {
    engine,
    authenticator: new Authenticator(options.authorization, engine.verifier),
    requestId: options.requestId ?? uuidv7(),
    transport: options.transport,
  }
}
