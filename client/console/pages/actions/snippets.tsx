import { useState } from 'react'
import type { JsonSchema, Schemas } from '../../form/schema.ts'
import type { Sent } from './run.ts'
import { curlOf, typescriptOf } from './snippet-text.ts'

interface SnippetsProps {
  readonly sent: Sent
  readonly kind: 'query' | 'mutation'
  readonly schema: JsonSchema
  readonly schemas: Schemas
}

/** The call as a command and as code. The token is in neither. */
export function Snippets({ sent, kind, schema, schemas }: SnippetsProps) {
  return (
    <div className="card">
      <h2>The same from elsewhere</h2>
      <Snippet title="curl" text={curlOf(location.origin, sent)} />
      <Snippet title="TypeScript" text={typescriptOf(location.origin, sent, { kind, schema, schemas })} />
    </div>
  )
}

function Snippet({ title, text }: { readonly title: string; readonly text: string }) {
  const [copied, setCopied] = useState<string>()
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setCopied(text),
      () => setCopied(undefined),
    )
  return (
    <section aria-label={title}>
      <div className="heading">
        <h3>{title}</h3>
        <button type="button" className="quiet" onClick={copy}>
          {copied === text ? 'Copied' : 'Copy'}
          <span className="hidden"> {title}</span>
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <pre className="code" tabIndex={0}>
        {text}
      </pre>
    </section>
  )
}
