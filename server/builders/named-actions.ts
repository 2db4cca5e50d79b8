import type { z } from 'zod'
import type { Issue, JsonValue } from '../core/result.ts'
import type { ActionBudget, ActionReferences, FoundAction } from '../tools/action-reference.ts'
import { reviveBySchema } from '../wire/from-json.ts'
import { createParse } from '../wire/parse.ts'
import { redact } from '../wire/redact.ts'
import { fromStored } from '../wire/serialize.ts'
import { stringify } from '../wire/to-json.ts'
import { type ActionDefinition, actionDefinition } from './action-definition.ts'

/** An action with the name that the registry gives it. */
export interface NamedAction {
  readonly name: string
  readonly definition: ActionDefinition
}

/** The actions of an app, by name and by what their modules export. */
export class NamedActions implements ActionReferences {
  readonly #byName = new Map<string, NamedAction>()
  readonly #byDefinition = new Map<ActionDefinition, NamedAction>()

  constructor(actions: Readonly<Record<string, unknown>>) {
    for (const [name, action] of Object.entries(actions)) {
      const definition = actionDefinition(action)
      if (!definition) continue
      this.#byName.set(name, { name, definition })
      this.#byDefinition.set(definition, { name, definition })
    }
  }

  get all(): readonly NamedAction[] {
    return [...this.#byName.values()]
  }

  named(name: string): NamedAction | undefined {
    return this.#byName.get(name)
  }

  /** Finds an action by what its module exports. */
  referred(reference: unknown): NamedAction | undefined {
    const definition = actionDefinition(reference)
    return definition && this.#byDefinition.get(definition)
  }

  find(reference: unknown): FoundAction | undefined {
    const found = this.referred(reference)
    if (!found) return undefined
    const { name, definition } = found
    return { name, kind: definition.kind, check: (input) => issuesOfInput(definition, input) }
  }

  budgetOf(name: string): ActionBudget | undefined {
    const action = this.named(name)
    return action && (action.definition.meta.budget ?? {})
  }

  shownInput(name: string, stored: string): JsonValue {
    const schema = this.named(name)?.definition.input
    // Which of it is secret is known to those alone who have the action.
    if (!schema) return null
    return JSON.parse(stringify(redact(schema, fromStored(stored))) ?? 'null')
  }
}

/** A parser costs more than what it parses. */
const parsers = new WeakMap<z.ZodType, ReturnType<typeof createParse>>()

/** What is wrong with an input for an action; empty for nothing. */
export async function issuesOfInput({ input }: ActionDefinition, value: unknown): Promise<readonly Issue[]> {
  const parse = parsers.get(input) ?? createParse(input)
  parsers.set(input, parse)
  const parsed = await parse(reviveBySchema(input, value))
  return parsed.success ? [] : parsed.issues
}
