import { type InputProps, useForm } from './form-context.ts'
import { blankOf, isObject, kindOf } from './schema.ts'

/** The fields of an object, or of the items of a list. */
export function CompositeField(props: InputProps) {
  return kindOf(props.schema) === 'object' ? <ObjectFields {...props} /> : <ListField {...props} />
}

/** The fields of an object, as its schema names them. */
export function ObjectFields({
  schema,
  path,
  value,
  onChange,
}: Pick<InputProps, 'schema' | 'path' | 'value' | 'onChange'>) {
  const { Field } = useForm()
  const object = isObject(value) ? value : {}
  const fields = Object.entries(schema.properties ?? {})
  return fields.map(([name, field]) => (
    <Field
      key={name}
      schema={field}
      label={name}
      isRequired={schema.required?.includes(name) ?? false}
      path={[...path, name]}
      value={Object.hasOwn(object, name) ? object[name] : undefined}
      onChange={(changed) => onChange(withField(object, name, changed))}
    />
  ))
}

function withField(object: Readonly<Record<string, unknown>>, name: string, value: unknown) {
  const others = Object.entries(object).filter(([key]) => key !== name)
  if (value === undefined) return Object.fromEntries(others)
  return Object.hasOwn(object, name)
    ? Object.fromEntries(Object.entries(object).map(([key, kept]) => [key, key === name ? value : kept]))
    : Object.fromEntries([...others, [name, value]])
}

function ListField({ schema, path, value, onChange, isRequired }: InputProps) {
  const { schemas, Field } = useForm()
  const items: readonly unknown[] = Array.isArray(value) ? value : []
  const { items: each = {} } = schema
  const remove = (at: number) => {
    const left = items.filter((_, nth) => nth !== at)
    onChange(left.length === 0 && !isRequired ? undefined : left)
  }
  return (
    <>
      {items.map((item, at) => (
        // An item has no name but its position.
        // biome-ignore lint/suspicious/noArrayIndexKey: items are values, and the same value may come twice
        <div className="item" key={at}>
          <Field
            schema={each}
            label={`Item ${at + 1}`}
            isRequired
            path={[...path, at]}
            value={item}
            onChange={(changed) =>
              onChange(items.map((kept, nth) => (nth === at ? (changed ?? null) : kept)))
            }
          />
          <button type="button" className="quiet" onClick={() => remove(at)}>
            Remove<span className="hidden"> item {at + 1}</span>
          </button>
        </div>
      ))}
      <button type="button" onClick={() => onChange([...items, blankOf(each, schemas) ?? ''])}>
        Add an item
      </button>
    </>
  )
}
