import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Database } from '../../server/db/database.ts'
import { sweepAllReservations } from '../../server/ledger/sweep.ts'
import { claimWork } from '../../server/queue/claim.ts'
import { markSent } from '../../server/queue/save-outcome.ts'
import { type Answer, json } from '../integrations/upstream.ts'
import { gate } from '../invocation/probe.ts'
import { accountOf, checkLedger, fund } from '../ledger/ledger.ts'
import { openPost, type Post, SMS_PRICE, sms } from './post.ts'

// limits.md: message-attempts

const LAST_ATTEMPT = 13

let post: Post
beforeAll(async () => {
  post = await openPost()
})
afterAll(() => post[Symbol.asyncDispose]())

/** Pays for the one message of a test. */
let ada = ''
beforeEach(async () => {
  ada = `ada-${randomUUID()}`
  await fund(post.app.database, ada, SMS_PRICE)
})
afterEach(async () => {
  await post.stopSending()
  await post.change(
    "delete from deputy.queue; update deputy.credit_holds set lease_until = now() - interval '1 hour'",
  )
  await sweepAllReservations(post.app.database)
  await checkLedger(post.app.database)
})

/** The provider's answers, one after the other; success from then on. */
function answer(...answers: readonly Answer[]) {
  let nth = 0
  post.provider.onPath('/sms', (received, response) => {
    const next = answers[nth] ?? status(200)
    nth += 1
    return next(received, response)
  })
}
const status =
  (code: number, headers: Readonly<Record<string, string>> = {}): Answer =>
  (_received, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    json(response, code, { message: 'said so' })
  }
const resetInBody: Answer = (_received, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
  response.write('{', () => response.destroy())
}
const queue = () => post.act((ctx) => sms(ctx, ada), ada)
const message = async () =>
  (
    await post.rows('select state, attempts, is_unknown, last_error from deputy.queue where caller = $1', ada)
  )[0]
const balance = () => accountOf(post.app.database, ada)
const costs = async () => {
  const sql =
    "select cost, outcome from deputy.credit_entries where account = $1 and kind in ('settle', 'refund')"
  return (await post.rows(sql, ada)).map(([cost, outcome]) => [Number(cost), outcome])
}
const received = () => post.received('/sms').filter(({ body }) => (body as { to: string }).to === ada)
const keys = () => new Set(received().map(({ idempotencyKey }) => idempotencyKey))
const gone = () => expect.poll(message).toBe(undefined)
const dead = () => expect.poll(async () => (await message())?.[0]).toBe('dead')
const waits = (attempt: number) => {
  const sql = 'select 1 from deputy.queue where attempts = $1 and token is null and caller = $2'
  return expect.poll(() => post.rows(sql, attempt, ada)).toHaveLength(1)
}
const take = (token: string) => claimWork(post.app.database, { token, leaseMs: -1_000, limit: 8 })

describe('a message', () => {
  it('whose provider breaks down is sent again under the same key, and paid once', async () => {
    answer(status(503), status(500))
    post.startSending()
    await queue()
    for (const attempt of [1, 2]) {
      await waits(attempt)
      expect(await balance()).toEqual({ available: 0, reserved: SMS_PRICE })
      await post.makeDue()
    }
    await gone()
    expect(received()).toHaveLength(3)
    expect(keys().size).toBe(1)
    expect(await costs()).toEqual([[SMS_PRICE, 'answered']])
  })

  it('waits as long as its provider asks', async () => {
    answer(status(429, { 'retry-after': '3000' }))
    post.startSending()
    await queue()
    await waits(1)
    const waiting = "select last_error from deputy.queue where due_at > now() + interval '30 minutes'"
    expect(await post.rows(waiting)).toEqual([[expect.stringContaining('TOO_MANY_REQUESTS')]])
  })

  it('that is refused in words that no table can hold is given up like another', async () => {
    const words = 'No\0such\r\n\u001b[31mnumber\u2028\ud800'
    answer((_received, response) => json(response, 400, { message: words }))
    post.startSending()
    await queue()
    await dead()
    expect(await message()).toEqual(['dead', 1, false, 'BAD_REQUEST: "sms/send": No such [31mnumber '])
    expect(await costs()).toEqual([[0, 'nothing']])
  })

  it('that may have arrived is sent again under the same key, and paid once', async () => {
    answer(resetInBody)
    post.startSending()
    await queue()
    await waits(1)
    expect(await message()).toMatchObject(['queued', 1, true, expect.stringContaining('BAD_GATEWAY')])
    await post.makeDue()
    await gone()
    expect(received()).toHaveLength(2)
    expect(keys().size).toBe(1)
    expect(await costs()).toEqual([[SMS_PRICE, 'answered']])
  })

  it('that was taken with an answer that is none is not sent again', async () => {
    answer((_received, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Thanks!</p>')
    })
    post.startSending()
    await queue()
    await gone()
    expect(received()).toHaveLength(1)
    expect(await costs()).toEqual([[SMS_PRICE, 'answered']])
  })

  it('that may have arrived is charged when it is given up', async () => {
    answer(resetInBody, resetInBody)
    post.startSending()
    await queue()
    await waits(1)
    await post.change(`update deputy.queue set attempts = ${LAST_ATTEMPT - 1}, due_at = now()`)
    await dead()
    expect(await message()).toMatchObject(['dead', LAST_ATTEMPT, true, expect.any(String)])
    expect(await costs()).toEqual([[SMS_PRICE, 'unknown']])
    expect(await balance()).toEqual({ available: 0, reserved: 0 })
  })

  it('that never arrived is given back when it is given up', async () => {
    answer(status(500))
    await queue()
    await post.change(`update deputy.queue set attempts = ${LAST_ATTEMPT - 1}`)
    post.startSending()
    await dead()
    expect(await costs()).toEqual([[0, 'nothing']])
    expect(await balance()).toEqual({ available: SMS_PRICE, reserved: 0 })
  })

  it('that a dead server had sent may have arrived, whatever its provider says later', async () => {
    answer(status(400))
    await queue()
    const [taken] = await take('dead server')
    expect(await markSent(post.app.database, taken?.id ?? '', 'dead server')).toBe('paid')
    post.startSending()
    await dead()
    expect(await message()).toMatchObject(['dead', 2, true, expect.stringContaining('BAD_REQUEST')])
    expect(await costs()).toEqual([[SMS_PRICE, 'unknown']])
  })

  it('that another server has taken over does not leave any more', async () => {
    await queue()
    const [taken] = await take('first')
    await take('second')
    expect(await markSent(post.app.database, taken?.id ?? '', 'first')).toBe('lost')
    expect(await markSent(post.app.database, taken?.id ?? '', 'second')).toBe('paid')
  })

  it('that was charged leaves by the hand of whoever holds it alone', async () => {
    answer(resetInBody)
    await queue()
    await post.change(`update deputy.queue set attempts = ${LAST_ATTEMPT - 1}`)
    const dispatcher = post.startSending()
    await dead()
    await dispatcher.stop(10_000)
    await post.change("update deputy.queue set state = 'queued', token = 'holder'")
    const [[id] = []] = await post.rows('select id from deputy.queue where caller = $1', ada)
    expect(await markSent(post.app.database, String(id), 'another')).toBe('lost')
    expect(await markSent(post.app.database, String(id), 'holder')).toBe('paid')
  })

  it('whose reservation is gone is paid anew, and waits while it cannot be', async () => {
    await queue()
    // As if its action had committed only after its lease.
    await post.change(
      "update deputy.queue set state = 'dead'; update deputy.credit_holds set lease_until = now() - interval '1 hour'",
    )
    await sweepAllReservations(post.app.database)
    expect(await balance()).toEqual({ available: SMS_PRICE, reserved: 0 })
    await post.change(
      `update deputy.queue set state = 'queued'; update deputy.credit_accounts set available = 0 where account = '${ada}'`,
    )
    post.startSending()
    await waits(1)
    expect(await message()).toMatchObject(['queued', 1, false, expect.stringContaining('PAYMENT_REQUIRED')])
    expect(received()).toEqual([])
    await post.change(`update deputy.credit_accounts set available = ${SMS_PRICE} where account = '${ada}'`)
    await post.makeDue()
    await gone()
    expect(await costs()).toEqual([
      [0, 'nothing'],
      [SMS_PRICE, 'answered'],
    ])
  })

  it('that waits keeps its reservation, however long', async () => {
    await queue()
    await post.change("update deputy.credit_holds set lease_until = now() - interval '1 hour'")
    await sweepAllReservations(post.app.database)
    expect(await balance()).toEqual({ available: 0, reserved: SMS_PRICE })
    post.startSending()
    await gone()
    expect(await costs()).toEqual([[SMS_PRICE, 'answered']])
  })

  it('that is being sent when its server stops is finished first', async () => {
    const [asked, answered] = [gate(), gate()]
    answer(async (_received, response) => {
      asked.open()
      await answered.opened
      json(response, 200, {})
    })
    const dispatcher = post.startSending()
    await queue()
    await asked.opened
    const stopped = dispatcher.stop(20_000)
    answered.open()
    await stopped
    expect(await message()).toBeUndefined()
  })

  it('that outlasts the stop of its server is found by the next', async () => {
    const [asked, answered] = [gate(), gate()]
    answer(async (_received, response) => {
      asked.open()
      await answered.opened
      json(response, 200, {})
    })
    const dispatcher = post.startSending()
    await queue()
    await asked.opened
    await dispatcher.stop(0)
    expect(await message()).toMatchObject(['queued', 1, false, null])
    // As it would be after the lease of the one that stopped.
    await post.change('update deputy.queue set due_at = now()')
    post.startSending()
    await gone()
    expect(received()).toHaveLength(2)
    expect(keys().size).toBe(1)
    answered.open()
    await post.stopSending()
    expect(await costs()).toEqual([[SMS_PRICE, 'answered']])
  })
})

it('a message that is queued while none was found is not waited for', async () => {
  answer()
  const { engine } = post.app
  let hasQueued = false
  const database: Database = {
    ...engine.database,
    async write(statement) {
      const taken = await engine.database.write(statement)
      if (!hasQueued) {
        hasQueued = true
        await queue()
      }
      return taken
    },
  }
  // It looks when it starts, and after that only when it is called.
  post.startSending({ ...engine, database }, { intervalMs: 600_000 })
  await expect.poll(received).toHaveLength(1)
  await gone()
})
