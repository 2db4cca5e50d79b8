import { actionRegistry, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { roleAction } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'

const input = z.strictObject({})
const actions = actionRegistry({
  forAdmins: roleAction('admin')
    .input(input)
    .query(async ({ ctx }) => ok(await ctx.role())),
  forEditors: roleAction('editor')
    .input(input)
    .query(async ({ ctx }) => ok(await ctx.role())),
})
const open = () => createTestApp({ actions })
let app: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  app = await open()
})
afterAll(() => app[Symbol.asyncDispose]())

const FORBIDDEN = { code: 'FORBIDDEN' }

describe('an action of one role', () => {
  it('is for who has the role, from the next call on and until the next', async () => {
    const [owner, ada] = [await app.as('owner'), await app.as('ada')]
    await ada.users.register()
    await expect(ada.actions.forAdmins({})).rejects.toMatchObject(FORBIDDEN)
    await expect(ada.actions.forEditors({})).rejects.toMatchObject(FORBIDDEN)
    for (const role of ['editor', 'admin'] as const) {
      expect(await owner.users.setRole({ userId: 'ada', role })).toMatchObject({ success: true })
      const [mine, other] =
        role === 'admin'
          ? [ada.actions.forAdmins, ada.actions.forEditors]
          : [ada.actions.forEditors, ada.actions.forAdmins]
      expect(await mine({})).toEqual(ok(role))
      await expect(other({})).rejects.toMatchObject(FORBIDDEN)
    }
    expect(await owner.users.setRole({ userId: 'ada', role: 'member' })).toMatchObject({ success: true })
    await expect(ada.actions.forAdmins({})).rejects.toMatchObject(FORBIDDEN)
  })

  it('of admins is for the owner, row or no row', async () => {
    const owner = await app.as('owner')
    expect(await owner.actions.forAdmins({})).toEqual(ok('admin'))
    await expect(owner.actions.forEditors({})).rejects.toMatchObject(FORBIDDEN)
  })

  it('is for nobody whose token says so alone', async () => {
    const eve = await app.as('eve', { role: 'admin', roles: ['admin'] })
    await eve.users.register()
    await expect(eve.actions.forAdmins({})).rejects.toMatchObject(FORBIDDEN)
  })
})
