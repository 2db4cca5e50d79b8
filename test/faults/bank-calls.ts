import type { Upstream } from '../integrations/upstream.ts'

/** How often the bank was asked to charge, and to send a receipt, for the order of this name. */
export function bankCalls(bank: Upstream, name: string): number[] {
  return ['bank/charge', 'bank/receipt'].map(
    (endpoint) => bank.calls(endpoint).filter(({ body }) => isFor(name, body)).length,
  )
}

function isFor(name: string, body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'for' in body && body.for === name
}
