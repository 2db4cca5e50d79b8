import { ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { fixture } from '../fixture/app.ts'
import { internalAction } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'
import { post } from './send.ts'

const hidden = internalAction.input(z.strictObject({})).mutation(async () => ok(null))
const open = () => createTestApp({ actions: { ...fixture.actions, recountHidden: hidden } })

let app: Awaited<ReturnType<typeof open>>
let url: string
let token: string
beforeAll(async () => {
  app = await open()
  url = await app.listen()
  token = await app.token('ada')
})
afterAll(() => app[Symbol.asyncDispose]())

const EVENT = {
  json: { title: 'Launch', startsAt: '2030-01-01T18:00:00.000Z', capacity: 5 },
  meta: { values: { startsAt: ['Date'] } },
}
const NEAR = 'There is no action "inviteAtendee"; did you mean "inviteAttendee"?'

async function trpc(path: string, init: RequestInit = {}) {
  const answer = await fetch(`${url}/trpc/${path}`, {
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...init,
  })
  return { status: answer.status, json: await answer.json() }
}

const failed = { error: { json: { message: NEAR, data: { code: 'NOT_FOUND', httpStatus: 404 } } } }

describe('an action that is not there', () => {
  it.each([
    ['inviteAtendee', NEAR],
    ['InviteAttendee', NEAR.replace('inviteAtendee', 'InviteAttendee')],
    ['deleteEverything', 'There is no action "deleteEverything".'],
    // No client can call it, so none is told of it.
    ['recountHiden', 'There is no action "recountHiden".'],
    ['recountHidden', 'There is no action "recountHidden".'],
    ['constructor', 'There is no action "constructor".'],
    ['%69nviteAttendee', 'There is no action "%69nviteAttendee"; did you mean "inviteAttendee"?'],
  ])('%s is told over REST, with the one that may be meant', async (name, error) => {
    expect(await post(`${url}/api/actions/${name}`, { token, body: '{}' })).toMatchObject({
      status: 404,
      json: { success: false, code: 'NOT_FOUND', error },
    })
  })

  it('is told over tRPC, alone and beside others', async () => {
    const body = '{"json":{}}'
    expect(await trpc('actions.inviteAtendee', { method: 'POST', body })).toMatchObject({
      status: 404,
      json: failed,
    })
    expect(await trpc('actions.inviteAtendee?input=%7B%7D')).toMatchObject({ status: 404, json: failed })
    const batch = await trpc('actions.createEvent,actions.inviteAtendee?batch=1', {
      method: 'POST',
      body: JSON.stringify({ 0: EVENT, 1: { json: {} } }),
    })
    expect(batch).toMatchObject({
      status: 207,
      json: [{ result: { data: { json: { success: true } } } }, failed],
    })
  })

  it('is told to no stranger', async () => {
    const rest = await post(`${url}/api/actions/inviteAtendee`, { body: '{}' })
    expect(rest.status).toBe(401)
    const headers = { 'content-type': 'application/json' }
    const overTrpc = await trpc('actions.inviteAtendee', { method: 'POST', body: '{"json":{}}', headers })
    expect(overTrpc.status).toBe(401)
    expect(rest.text + JSON.stringify(overTrpc.json)).not.toContain('ttendee')
  })
})
