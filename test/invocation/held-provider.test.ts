import { ok } from 'deputyjs'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { json } from '../integrations/upstream.ts'
import { createProbe, gate, type Probe } from './probe.ts'

let probe: Probe
beforeAll(async () => {
  probe = await createProbe({ max: 2 })
})
afterAll(() => probe[Symbol.asyncDispose]())

it('a provider that does not answer delays no other call, however many wait for it', async () => {
  const held = gate()
  let answered = 0
  probe.upstream.on('bank/held', async (_received, response) => {
    await held.opened
    answered += 1
    json(response, 200, { ok: true })
  })
  const waiting = Array.from({ length: 6 }, (_, n) =>
    probe.run(async (ctx) => {
      // Half of them have read before, half read beside.
      if (n % 2 === 0) await ctx.tools.count('events')
      const [answer] = await Promise.all([
        ctx.tools.integration('bank/held', { n }),
        ctx.tools.count('events'),
      ])
      return answer
    }),
  )
  await vi.waitFor(() => expect(probe.upstream.calls('bank/held')).toHaveLength(6))

  await Promise.all(Array.from({ length: 20 }, () => probe.newEvent()))
  expect(answered).toBe(0)

  held.open()
  for (const outcome of await Promise.all(waiting)) expect(outcome).toEqual(ok({ ok: true }))
})
