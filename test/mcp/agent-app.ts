import { createTestApp, type TestAppOptions } from '../support/test-app.ts'
import { agentActions } from './agent-actions.ts'

type Options = Omit<TestAppOptions<typeof agentActions, object>, 'actions' | 'collections'>

/** An app whose actions are tools of agents. */
export function createAgentApp(options: Options = {}) {
  return createTestApp({ ...options, actions: agentActions })
}

export type AgentApp = Awaited<ReturnType<typeof createAgentApp>>

/** Gives a user a role, as the owner does. */
export async function giveRole(app: AgentApp, userId: string, role: string): Promise<void> {
  await (await app.as(userId)).users.register()
  const owner = await app.as('owner')
  const given = await owner.users.setRole({ userId, role })
  if (!given.success) throw new Error(given.error)
}
