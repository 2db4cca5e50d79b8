import { NamedActions } from '../../builders/named-actions.ts'
import { type Finding, ok, warning } from '../../core/finding.ts'
import type { ServerEnv } from '../../env/environment.ts'
import { agentCollections } from '../../mcp/resources.ts'
import { createAgentTools } from '../../mcp/tools.ts'
import { createCatalog } from '../../tools/catalog.ts'
import type { AppParts } from '../define-app.ts'

/** A model reads the whole list with each of its answers, and chooses worse the longer it is. */
const FITS = { tools: 40, bytes: 20_000 } as const

/** Says what agents are offered, and whether it fits; nothing where that is nothing. */
export function checkAgents(
  { auth, mcpUrl }: Pick<ServerEnv, 'auth' | 'mcpUrl'>,
  parts: Pick<AppParts, 'actions' | 'collections'>,
): readonly Finding[] {
  const tools = createAgentTools(new NamedActions(parts.actions).all)
  const collections = agentCollections(createCatalog(parts.collections))
  if (tools.size === 0 && collections.length === 0) return []
  const list = JSON.stringify([...tools.values()].map(({ description }) => description))
  const bytes = Buffer.byteLength(list)
  const found = `${counted(tools.size, 'tool')}, ${bytes} bytes, and ${counted(collections.length, 'collection')}`
  const fits = tools.size <= FITS.tools && bytes <= FITS.bytes
  return [
    fits
      ? ok('agents', found)
      : warning(
          'agents',
          `${found}: models choose well among at most ${FITS.tools} tools in ${FITS.bytes} bytes; offer fewer, or describe them in fewer words`,
        ),
    ...(auth.kind === 'configured' && mcpUrl === undefined
      ? [
          warning(
            'agents',
            'MCP_URL is not set: tokens for agents are good for everything, and clients are told the address of the Host header. Set it to the public address of /mcp',
          ),
        ]
      : []),
  ]
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
