import { QueryClient } from '@tanstack/react-query'
import { act, configure, renderHook } from '@testing-library/react'
import type { Document, HTMLElement } from 'happy-dom'
import { createElement, type ReactNode } from 'react'
import type { ClientFetch } from '../../client/core/index.ts'
import { createDeputy } from '../../client/react/index.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

/** For a machine that is busy: nothing is counted in time. */
configure({ asyncUtilTimeout: 20_000 })

/** A request, as the page sent it. */
export interface Sent {
  readonly path: string
  readonly method: string
  readonly keys: string | undefined
}

/** An app that listens, for pages of its users. */
export async function openPages() {
  const app = await createTestApp()
  const url = await app.listen()
  return {
    app,
    page: async (user: string, through?: (send: ClientFetch) => ClientFetch) =>
      openPage(app, url, user, through),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  }
}

/** What a user has open: hooks, what they are connected by, and the requests that were sent. */
async function openPage(
  app: TestApp,
  url: string,
  user: string,
  through: (send: ClientFetch) => ClientFetch = (send) => send,
) {
  const deputy = createDeputy<FixtureRouter>()
  const sent: Sent[] = []
  const send: ClientFetch = (input, init) => {
    const { pathname } = new URL(input)
    sent.push({
      path: pathname.replace('/trpc/', ''),
      method: init?.method ?? 'GET',
      keys: init?.headers?.['idempotency-key'],
    })
    return fetch(input, init as RequestInit)
  }
  const connection = deputy.connect({
    url,
    token: await app.token(user),
    fetch: through(send),
    retries: false,
    queryClient: new QueryClient(),
  })
  const wrapper = ({ children }: { readonly children: ReactNode }) =>
    createElement(deputy.Provider, { connection }, children)
  return {
    deputy,
    ...connection,
    sent,
    wrapper,
    /** Renders a component that uses hooks; `result.current` is what they give. */
    render: <T>(use: () => T) => renderHook(use, { wrapper }),
    /** How often a path was asked for. */
    count: (path: string) => sent.filter((each) => each.path.split(',').includes(path)).length,
  }
}

/** Does something that renders, and waits for what it gives. */
export async function doing<T>(run: () => Promise<T> | T): Promise<T> {
  let given: { readonly value: T } | undefined
  await act(async () => {
    given = { value: await run() }
  })
  if (!given) throw new Error('It was not done')
  return given.value
}

/** Does something that renders and fails, and gives what it fails with. */
export function failing(run: () => Promise<unknown>): Promise<unknown> {
  return doing(() =>
    run().then(
      (value) => {
        throw new Error(`It did not fail, and gave ${JSON.stringify(value)}`)
      },
      (error: unknown) => error,
    ),
  )
}

/** The page, by happy-dom's types: those of browsers are not there beside Node's. */
export const page = Reflect.get(globalThis, 'document') as Document

/** What an element shows. */
export function textOf(element: unknown): string {
  return (element as HTMLElement).textContent
}
