// An app whose types cannot be written for clients.
import { defineApp, ok } from 'deputyjs'
import { z } from 'zod'
import * as collections from '../fixture/collections.ts'
import { action } from '../fixture/deputy.ts'

interface Branch {
  readonly name: string
  readonly branches: readonly Branch[]
}

const nothing = z.strictObject({})

export const app = defineApp({
  migrations: new URL('../fixture/migrations', import.meta.url),
  collections,
  actions: {
    fine: action.input(nothing).query(async () => ok({ fine: true })),
    tellsBranches: action.input(nothing).query(async () => ok<Branch>({ name: 'x', branches: [] })),
    tellsFunction: action.input(nothing).query(async () => ok({ inner: { call: () => 5 } })),
    tellsMap: action.input(nothing).query(async () => ok({ all: new Map<string, number>() })),
  },
})
