import type { NamedAction } from '../builders/named-actions.ts'
import type { JsonObject } from '../core/result.ts'
import { mayBeAbsent } from '../wire/json-schema/absence.ts'
import type { Components } from './components.ts'
import { ANY_FAILURE } from './failures.ts'
import { operation, successOf } from './operation.ts'

/** Writes the paths of the actions that clients can call, by name. */
export function actionPaths(components: Components, actions: readonly NamedAction[]): JsonObject {
  const callable = actions.filter(({ definition }) => !definition.isInternal)
  return Object.fromEntries(
    callable.map((action) => [`/api/actions/${action.name}`, { post: actionOperation(components, action) }]),
  )
}

function actionOperation(components: Components, { name, definition }: NamedAction): JsonObject {
  const { input, output, kind, meta, live } = definition
  const schema = components.describe(`input.${name}`, input, 'input', `the input of action "${name}"`)
  const data = output
    ? components.describe(`output.${name}`, output, 'output', `the output of action "${name}"`)
    : { description: 'What it answers with is not declared.' }
  const mayLackData = output === undefined || mayBeAbsent(output, 'output')
  return operation({
    id: `actions.${name}`,
    tags: meta.tags ?? ['actions'],
    summary: meta.summary ?? name,
    description: live ? [meta.description, LIVE].filter(Boolean).join('\n\n') : meta.description,
    deprecated: meta.deprecated,
    body: {
      schema,
      isRequired: needsInput(components, name),
    },
    data,
    mayLackData,
    key: kind === 'query' ? 'no' : 'taken',
    runsApp: true,
    told: { 'x-action': { kind, callers: callersOf(definition) } },
    ...(live ? { events: { anyOf: [successOf(data, mayLackData), ANY_FAILURE] } } : {}),
  })
}

const LIVE =
  'To those who accept `text/event-stream`: a stream of what it answers, a failure included, now and after each change.'

/** Who may call it, as people say it. */
function callersOf({ role, isPrivileged }: NamedAction['definition']): string {
  return role ?? (isPrivileged ? 'owner' : 'every user')
}

/** An empty body is `{}`. */
function needsInput(components: Components, name: string): boolean {
  const input = components.get(`input.${name}`)
  return input !== undefined && 'required' in input
}
