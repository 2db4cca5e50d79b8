import type { Logger } from 'pino'
import type { OutboundResponse } from './exchange.ts'

type Failed = Extract<OutboundResponse, { kind: 'failed' }>

/** Tells the operator why a call came to nothing. Callers are told less: the address is the app's own. */
export function reportFailure(log: Logger, name: string, { origin }: URL, { reason, wasSent }: Failed): void {
  log.warn(
    { name, origin, reason, wasSent },
    reason === 'refused address'
      ? 'An upstream has a private address: if it may, name its host:port in ALLOW_PRIVATE_UPSTREAMS'
      : 'An upstream gave no usable answer',
  )
}
