import { randomUUID } from 'node:crypto'
import { type ActionResult, actionRegistry } from 'deputyjs'
import { z } from 'zod'
import { createMetrics } from '../../server/metrics/create-metrics.ts'
import { namesOf } from '../../server/trpc/callable.ts'
import { type ActionContext, action } from '../fixture/deputy.ts'
import { startUpstream } from '../integrations/upstream.ts'
import { createTestApp, type TestAppOptions } from '../support/test-app.ts'
import { readSamples } from './exposition.ts'

type Handler = (ctx: ActionContext) => Promise<ActionResult<unknown>>

/** An app whose one action does what a test says, and whose metrics are counted, as a server's are. */
export async function openObservedApp(
  options: Pick<
    TestAppOptions<object, object>,
    'integrations' | 'onError' | 'routes' | 'slowCallMs' | 'tracing' | 'trustedProxies'
  > = {},
) {
  const handlers = new Map<string, Handler>()
  const act = action.input(z.strictObject({ id: z.string() })).mutation(async ({ ctx, input }) => {
    const handler = handlers.get(input.id)
    if (!handler) throw new Error(`No handler ${input.id}`)
    return handler(ctx)
  })
  const upstream = await startUpstream()
  const metrics = createMetrics()
  const app = await createTestApp({
    actions: actionRegistry({ act }),
    apiWorkerUrl: upstream.url,
    rateLimits: { integrations: 2 },
    ...options,
    observer: metrics.observer,
  })
  metrics.watch(app.engine, {
    actions: [...namesOf(app.router), ...app.actions.all.map(({ name }) => name)],
    integrations: ['weather'],
  })
  return {
    app,
    upstream,
    metrics,
    act,
    /** Has the action do something. @returns the id to call it with */
    hold(handler: Handler): string {
      const id = randomUUID()
      handlers.set(id, handler)
      return id
    },
    samples: async () => readSamples(await metrics.scrape()),
    /** Runs the action as a user, as often as it is called. */
    async run(handler: Handler, { userId = 'ada', idempotencyKey = randomUUID(), times = 1 } = {}) {
      const id = randomUUID()
      handlers.set(id, handler)
      const caller = app.createCaller({ token: await app.token(userId), idempotencyKey })
      const answers: ActionResult<unknown>[] = []
      for (let nth = 0; nth < times; nth += 1) answers.push(await caller.actions.act({ id }))
      return answers
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await upstream[Symbol.asyncDispose]()
    },
  }
}
