import { useState } from 'react'
import { Field } from '../../form/field.tsx'
import { FormContext } from '../../form/form-context.ts'
import type { Schemas } from '../../form/schema.ts'
import { useTyped } from '../../shell/typed.ts'
import type { CollectionInfo } from './collections.ts'
import { type Condition, conditionsOf, whereOf } from './conditions.ts'
import { type ListQuery, listAddress } from './list-address.ts'

interface FilterFormProps {
  readonly collection: CollectionInfo
  readonly schemas: Schemas
  readonly query: ListQuery
}

const DIRECTIONS = [
  ['desc', 'largest and newest first'],
  ['asc', 'smallest and oldest first'],
] as const

/** Chooses records in the language of `where`: by a form, or as JSON. What is chosen is the address. */
export function FilterForm({ collection, schemas, query }: FilterFormProps) {
  const name = ['filters', listAddress(collection.name, query)]
  const form = useTyped(name, () => ({
    ...draftOf(query.where),
    order: { by: query.orderBy, direction: query.orderDir },
  }))
  const { text, conditions, order } = form.value
  const setDraft = (draft: Draft) => form.change({ ...draft, order })
  const setOrder = (changed: typeof order) => form.change({ text, conditions, order: changed })
  const [problem, setProblem] = useState('')
  const isJson = parse(text) !== undefined
  const setConditions = (changed: readonly Condition[]) => {
    const given = changed.filter(({ value }) => value !== undefined)
    setDraft({ text: given.length === 0 ? '' : JSON.stringify(whereOf(given)), conditions: changed })
  }

  const show = () => {
    const said = problemOf(isJson, conditions)
    setProblem(said)
    if (said !== '') return
    form.end(form.value)
    location.hash = listAddress(collection.name, {
      ...query,
      where: text.trim(),
      orderBy: order.by,
      orderDir: order.direction,
    })
  }
  return (
    <form
      className="card"
      aria-label="Filters"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        show()
      }}
    >
      <FormContext value={{ name, schemas, Field, issuesAt: () => [] }}>
        {conditions?.map((condition, at) => (
          <ConditionRow
            // biome-ignore lint/suspicious/noArrayIndexKey: a condition has no name, and may come twice
            key={at}
            nth={at + 1}
            collection={collection}
            condition={condition}
            onChange={(changed) =>
              setConditions(conditions.flatMap((kept, nth) => (nth === at ? (changed ?? []) : [kept])))
            }
          />
        ))}
      </FormContext>
      {isJson && !conditions && <p>These conditions have groups: they are changed as JSON, below.</p>}
      <div className="filters">
        <button
          type="button"
          disabled={!conditions}
          onClick={() => conditions && setConditions([...conditions, firstOf(collection, conditions)])}
        >
          Add a condition
        </button>
        <label>
          Order{' '}
          <select value={order.by} onChange={({ target }) => setOrder({ ...order, by: target.value })}>
            <option value="">createdAt</option>
            {collection.orders
              .filter((each) => each !== 'createdAt')
              .map((each) => (
                <option key={each}>{each}</option>
              ))}
          </select>
        </label>
        <label>
          Direction{' '}
          <select
            value={order.direction === 'asc' ? 'asc' : 'desc'}
            onChange={({ target }) => setOrder({ ...order, direction: target.value })}
          >
            {DIRECTIONS.map(([direction, title]) => (
              <option key={direction} value={direction}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" className="primary">
          Show
        </button>
        <a href={listAddress(collection.name)}>All</a>
      </div>
      <details open={conditions ? undefined : true}>
        <summary>As JSON</summary>
        <label className="hidden" htmlFor="where">
          Conditions as JSON
        </label>
        <textarea
          id="where"
          className="code"
          rows={3}
          spellCheck={false}
          value={text}
          aria-invalid={!isJson}
          onChange={({ target }) => setDraft(draftOf(target.value))}
        />
      </details>
      {problem !== '' && (
        <p className="issue" role="alert">
          {problem}
        </p>
      )}
    </form>
  )
}

interface ConditionRowProps {
  readonly nth: number
  readonly collection: CollectionInfo
  readonly condition: Condition
  /** @param changed undefined takes it away */
  readonly onChange: (changed: Condition | undefined) => void
}

function ConditionRow({ nth, collection, condition, onChange }: ConditionRowProps) {
  const { field, operator, value } = condition
  const operators = collection.operators.get(field)
  const schema = operators?.get(operator)
  const choose = (chosen: string) => {
    const [first = 'eq'] = collection.operators.get(chosen)?.keys() ?? []
    onChange({ field: chosen, operator: first, value: undefined })
  }
  return (
    <fieldset className="condition">
      <legend>Condition {nth}</legend>
      <label>
        Field{' '}
        <select value={field} onChange={({ target }) => choose(target.value)}>
          {[...new Set([field, ...collection.operators.keys()])].map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </label>
      <label>
        Comparison{' '}
        <select
          value={operator}
          onChange={({ target }) => onChange({ field, operator: target.value, value: undefined })}
        >
          {[...new Set([operator, ...(operators?.keys() ?? [])])].map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </label>
      <Field
        key={`${field} ${operator}`}
        schema={schema ?? {}}
        label="Value"
        isRequired
        path={[nth]}
        value={value}
        onChange={(changed) => onChange({ ...condition, value: changed })}
      />
      <button type="button" className="quiet" onClick={() => onChange(undefined)}>
        Remove<span className="hidden"> condition {nth}</span>
      </button>
    </fieldset>
  )
}

/** A condition on a field that has none yet. */
function firstOf({ operators }: CollectionInfo, conditions: readonly Condition[]): Condition {
  const free = [...operators.keys()].find((field) => !conditions.some((each) => each.field === field))
  const [first = 'recordId'] = operators.keys()
  const field = free ?? first
  const [operator = 'eq'] = operators.get(field)?.keys() ?? []
  return { field, operator, value: undefined }
}

function problemOf(isJson: boolean, conditions: readonly Condition[] | undefined): string {
  if (!isJson) return 'The conditions are no JSON: mend them, or empty the field.'
  const at = conditions?.findIndex(({ value }) => value === undefined) ?? -1
  return at < 0 ? '' : `Condition ${at + 1} has no value: give one, or remove the condition.`
}

/** What is typed: the JSON, and its conditions where it is no more than these; one may have no value yet. */
interface Draft {
  readonly text: string
  readonly conditions: readonly Condition[] | undefined
}

function draftOf(text: string): Draft {
  return { text, conditions: conditionsOf(parse(text)) }
}

/** Reads the text; undefined for what is no JSON. */
function parse(text: string): unknown {
  try {
    return text.trim() === '' ? {} : (JSON.parse(text) ?? undefined)
  } catch {
    return undefined
  }
}
