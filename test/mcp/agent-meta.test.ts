// limits.md: tool-description
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ok } from '../../server/core/result.ts'
import type { AgentMeta } from '../../server/trpc/init.ts'
import { action, internalAction, ownerAction } from '../fixture/deputy.ts'

const input = z.strictObject({ confirmation: z.string().optional() })
const plain = z.strictObject({})
const done = async () => ok({})
const agent = (more: Partial<AgentMeta> = {}): AgentMeta => ({ description: 'Does it.', ...more })

describe('what an action says of itself to agents', () => {
  it.each<[string, () => unknown, string]>([
    [
      'nothing in its description',
      () =>
        action
          .input(plain)
          .meta({ agent: agent({ description: ' ' }) })
          .query(done),
      'meta.agent.description must say what the action does: a model chooses its tools by it',
    ],
    [
      'more than 1000 characters',
      () =>
        action
          .input(plain)
          .meta({ agent: agent({ description: 'x'.repeat(1001) }) })
          .query(done),
      'meta.agent.description may have at most 1000 characters, and has 1001',
    ],
    [
      'that no client calls it',
      () => internalAction.input(plain).meta({ agent: agent() }).mutation(done),
      'meta.agent is for what clients call, and no client calls an internalAction',
    ],
    [
      'that a query destroys',
      () =>
        action
          .input(plain)
          .meta({ agent: agent({ destructive: true }) })
          .query(done),
      'meta.agent.destructive is for a mutation: a query only reads',
    ],
    [
      'that a query is confirmed',
      () =>
        action
          .input(plain)
          .meta({ agent: agent({ confirm: true }) })
          .query(done),
      'meta.agent.confirm is for a mutation: a query does nothing that could be confirmed',
    ],
    [
      'that callers confirm what they are not shown',
      () =>
        action
          .input(plain)
          .meta({ agent: agent({ confirm: true }) })
          .mutation(done),
      "meta.agent.confirm shows callers what a call would do: say dryRun: 'caller' as well, or make it an ownerAction",
    ],
    [
      'that an input of its own is the confirmation',
      () =>
        action
          .input(input)
          .meta({ dryRun: 'caller', agent: agent({ confirm: true }) })
          .mutation(done),
      'meta.agent.confirm adds the argument "confirmation" to the tool: give that key of the input another name',
    ],
  ])('cannot be %s', (_what, define, message) => {
    expect(define).toThrow(message)
  })

  it('is taken otherwise, in any order of what is said', () => {
    expect(() => {
      action
        .input(plain)
        .meta({ agent: agent({ description: 'x'.repeat(1000) }) })
        .query(done)
      action
        .input(input)
        .meta({ agent: agent({ destructive: true }) })
        .mutation(done)
      ownerAction
        .input(plain)
        .meta({ agent: agent({ confirm: true }) })
        .mutation(done)
      action
        .input(plain)
        .meta({ agent: agent({ confirm: true }) })
        .meta({ dryRun: 'caller' })
        .mutation(done)
    }).not.toThrow()
  })
})
