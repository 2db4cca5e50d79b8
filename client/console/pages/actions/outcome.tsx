import { creditsOf } from '../../shell/credits.ts'
import { Diff } from './diff.tsx'
import { type DryRunReport, maxCostOf } from './dry-run-report.ts'
import type { Done } from './run.ts'
import { Timeline } from './timeline.tsx'

/** What came of a call, or what would. */
export function Outcome({ done }: { readonly done: Done }) {
  const { sent, answer } = done
  const as = sent.actAs === '' ? '' : ` as ${sent.actAs}`
  if (sent.isDry)
    return <DryOutcome report={(answer.data as { readonly dryRun: DryRunReport }).dryRun} as={as} />
  return (
    <div className="card">
      <h2>
        <span className="badge good">done</span> Answered{as}
      </h2>
      <Json value={answer.data} />
      {answer.requestId !== undefined && (
        <p className="small">
          Request <code>{answer.requestId}</code>
        </p>
      )}
    </div>
  )
}

function DryOutcome({ report, as }: { readonly report: DryRunReport; readonly as: string }) {
  const { outcome, failure, stoppedAt, writes, isComplete, tables = [], attempts } = report
  const { messages = [], jobs = [], grants = [], timeline = [] } = report
  return (
    <div className="card">
      <h2>
        <span className={`badge ${outcome === 'would commit' ? 'good' : 'bad'}`}>{outcome}</span> Dry run{as}
      </h2>
      {failure && (
        <p>
          <strong>{failure.code}</strong> {failure.error}
        </p>
      )}
      {stoppedAt !== undefined && <p>It stopped where it {stoppedAt}. What comes after is not known.</p>}
      <h3>Records</h3>
      {writes.length === 0 && <p className="empty">No record would be written.</p>}
      {writes.map((write) => (
        <Diff key={`${write.collection}/${write.recordId}`} write={write} />
      ))}
      {!isComplete && <p className="warn">There is more that cannot be listed. {tables.join(', ')}</p>}
      {report.sql && <p className="warn">SQL of the app’s own ran.</p>}
      <Queued
        title="Messages"
        items={messages}
        line={(it) => `${it.endpoint}, for ${maxCostOf(it.maxCost)} at most, on the ${it.payer}`}
        data={(it) => it.data}
      />
      <Queued
        title="Jobs"
        items={jobs}
        line={(it) => `${it.action} as ${it.as}, ${dueText(it.due)}`}
        data={(it) => it.input}
      />
      <Queued
        title="Grants"
        items={grants}
        line={(it) => `${creditsOf(it.amount)} to ${it.account}`}
        data={() => undefined}
      />
      <h3>Result</h3>
      {report.result === undefined ? <p className="empty">None is told.</p> : <Json value={report.result} />}
      <dl className="facts">
        <dt>Costs at most</dt>
        <dd>{maxCostOf(report.maxCost)}</dd>
        <dt>Attempts</dt>
        <dd>{attempts}</dd>
      </dl>
      {timeline.length > 0 && <Timeline phases={timeline} />}
    </div>
  )
}

interface QueuedProps<T> {
  readonly title: string
  readonly items: readonly T[]
  line(item: T): string
  data(item: T): unknown
}

function Queued<T>({ title, items, line, data }: QueuedProps<T>) {
  if (items.length === 0) return null
  return (
    <>
      <h3>{title}</h3>
      <ul>
        {items.map((item) => (
          <li key={JSON.stringify(item)}>
            {line(item)}
            {data(item) !== undefined && <Json value={data(item)} />}
          </li>
        ))}
      </ul>
    </>
  )
}

function dueText(due: string | number): string {
  if (typeof due === 'string') return `at ${due}`
  return due === 0 ? 'at once' : `${due / 1_000} s later`
}

function Json({ value }: { readonly value: unknown }) {
  return (
    // Long answers scroll, also by the keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <pre className="code" tabIndex={0}>
      {JSON.stringify(value, null, 2) ?? 'nothing'}
    </pre>
  )
}
