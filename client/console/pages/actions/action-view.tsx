import { useState } from 'react'
import { DeputyError } from '../../../core/index.ts'
import { ObjectFields } from '../../form/composite-fields.tsx'
import { Field } from '../../form/field.tsx'
import { FormContext, type Path } from '../../form/form-context.ts'
import { issuesAt } from '../../form/issues-at.ts'
import { blankOf, resolved, type Schemas } from '../../form/schema.ts'
import { Problem } from '../../shell/problem.tsx'
import { addressOf } from '../../shell/route.ts'
import { useViewer } from '../../shell/viewer.ts'
import { formOf, useDraft } from './draft.ts'
import type { Action } from './load-actions.ts'
import { Outcome } from './outcome.tsx'
import { type Sent, useRun } from './run.ts'
import { Snippets } from './snippets.tsx'

/** One action: its input as a form and as JSON, what a dry run says of it, and the call itself. */
export function ActionView({ action, schemas }: { readonly action: Action; readonly schemas: Schemas }) {
  const { name, kind } = action
  const { isOwner } = useViewer()
  const schema = resolved(action.input, schemas)
  const { draft, setInput, setText, setActAs } = useDraft(name, () => blankOf(schema, schemas) ?? {})
  const run = useRun()
  const [dry, setDry] = useState<Sent>()
  const issues = run.error instanceof DeputyError ? run.error.issues : []
  const isSame =
    dry !== undefined &&
    dry.actAs === draft.actAs &&
    JSON.stringify(dry.input) === JSON.stringify(draft.input)

  const send = (isDry: boolean) => {
    const sent: Sent = {
      action: name,
      input: draft.input,
      actAs: draft.actAs,
      isDry,
      key: isDry || kind === 'query' ? undefined : crypto.randomUUID(),
    }
    setDry(undefined)
    run.mutate(sent, {
      // What is done next is done with the very input of the dry run, and once.
      onSuccess: () => isDry && setDry({ ...sent, isDry: false, key: crypto.randomUUID() }),
    })
  }
  const doIt = (sent: Sent) => run.mutate(sent, { onSuccess: () => setDry(undefined) })
  const isBusy = run.isPending || draft.problem !== undefined

  return (
    <>
      <p className="small">
        <a href={addressOf('actions')}>Actions</a>
      </p>
      <h1>
        {name} {kind === 'query' && <span className="badge">reads</span>}
      </h1>
      <p>
        {action.summary}{' '}
        <span className="small">
          Who may call it: <strong>{action.callers}</strong>
        </span>
      </p>
      {action.description !== undefined && <p>{action.description}</p>}
      <div className="columns">
        <form
          className="card"
          noValidate
          onSubmit={(event) => {
            event.preventDefault()
            if (!isBusy) send(kind === 'mutation')
          }}
        >
          <h2>Input</h2>
          <FormContext
            value={{ name: formOf(name), schemas, Field, issuesAt: (path) => issuesAt(issues, path) }}
          >
            <ObjectFields schema={schema} path={[]} value={draft.input} onChange={setInput} />
          </FormContext>
          {Object.keys(schema.properties ?? {}).length === 0 && <p>It takes no input.</p>}
          <details open={draft.problem !== undefined || undefined}>
            <summary>As JSON</summary>
            <label className="hidden" htmlFor="raw">
              Input as JSON
            </label>
            <textarea
              id="raw"
              className="code"
              rows={8}
              spellCheck={false}
              value={draft.text}
              aria-invalid={draft.problem !== undefined}
              aria-describedby="raw-problem"
              onChange={({ target }) => setText(target.value)}
            />
            <p id="raw-problem" className="issue" role="status">
              {draft.problem}
            </p>
          </details>
          {isOwner && (
            <div className="field">
              <label htmlFor="act-as">
                Run as <small>a user’s id; empty for yourself</small>
              </label>
              <input
                id="act-as"
                autoComplete="off"
                value={draft.actAs}
                onChange={({ target }) => setActAs(target.value)}
              />
            </div>
          )}
          <div className="buttons">
            <button type="submit" className="primary" disabled={isBusy}>
              {kind === 'query' ? 'Run' : 'Dry run'}
            </button>
            {kind === 'mutation' && (
              <button
                type="button"
                className={isSame ? 'do' : ''}
                disabled={isBusy || !isSame}
                aria-describedby="do-about"
                onClick={() => dry && doIt(dry)}
              >
                Do it
              </button>
            )}
          </div>
          {kind === 'mutation' && (
            <p id="do-about" className="small">
              {isSame
                ? 'It is done with the input of this dry run.'
                : 'A dry run changes nothing. What it was made with can be done after it.'}
            </p>
          )}
          {kind === 'mutation' && run.error instanceof DeputyError && run.error.code === 'FORBIDDEN' && (
            <button type="button" className="quiet" disabled={isBusy} onClick={() => send(false)}>
              Do it without a dry run
            </button>
          )}
        </form>
        <section aria-label="What came of it" aria-live="polite" className="outcome">
          {run.isPending && <p className="waiting">{run.variables?.isDry ? 'Trying it…' : 'Calling…'}</p>}
          {run.error && <Problem error={run.error} />}
          {issues.length > 0 && <IssueList issues={issues} />}
          {run.data && <Outcome done={run.data} />}
          {!run.data && !run.error && !run.isPending && (
            <p className="empty">
              {kind === 'query'
                ? 'Run it, and see what it answers.'
                : 'A dry run shows what would be written, queued and spent, and leaves nothing behind.'}
            </p>
          )}
          <Snippets
            schema={schema}
            schemas={schemas}
            kind={kind}
            sent={
              run.variables ?? {
                action: name,
                input: draft.input,
                actAs: draft.actAs,
                isDry: kind === 'mutation',
                key: undefined,
              }
            }
          />
        </section>
      </div>
    </>
  )
}

function IssueList({ issues }: { readonly issues: readonly { path: Path; message: string }[] }) {
  return (
    <ul className="issues">
      {issues.map(({ path, message }) => (
        <li key={`${path.join('.')} ${message}`}>
          {path.length > 0 && <code>{path.join('.')}</code>} {message}
        </li>
      ))}
    </ul>
  )
}
