import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { DeputyError } from '../../../core/index.ts'
import { ObjectFields } from '../../form/composite-fields.tsx'
import { Field } from '../../form/field.tsx'
import { FormContext } from '../../form/form-context.ts'
import { issuesAt } from '../../form/issues-at.ts'
import { isObject, type JsonSchema, type Schemas } from '../../form/schema.ts'
import { Problem } from '../../shell/problem.tsx'
import { Table } from '../../shell/table.tsx'
import { typedBy, useTyped } from '../../shell/typed.ts'
import { type Changes, type Conflict, changesOf, patchOf, rebased } from './changes.ts'
import type { CollectionInfo } from './collections.ts'
import { type DataRecord, useReadNow, useUpdate } from './records.ts'
import { SEEN_KEY } from './seen.ts'
import { ShortValue } from './value.tsx'

interface EditFormProps {
  readonly collection: CollectionInfo
  readonly schemas: Schemas
  readonly record: DataRecord
  /** Whether the record is read as the app reads it. */
  readonly asApp: boolean
  readonly onEnd: () => void
}

const formOf = (collection: string, recordId: string) => ['edit', collection, recordId]

/** Whether changes to a record were typed that are not saved. */
export function isEdited(viewer: string, collection: string, recordId: string): boolean {
  return typedBy(viewer, formOf(collection, recordId)) !== undefined
}

/** Changes fields of a record by `records.update`, which refuses a version that is not the newest. */
export function EditForm({ collection, schemas, record, asApp, onEnd }: EditFormProps) {
  const { name } = collection
  const { recordId } = record
  const queries = useQueryClient()
  const form = useTyped(formOf(name, recordId), () => changesOf(record, record.data))
  const { value: changes, change } = form
  const [conflicts, setConflicts] = useState<readonly Conflict[]>([])
  const end = () => {
    form.end(changes)
    onEnd()
  }
  const patch = patchOf(changes)
  const empty = Object.keys(patch).filter((field) => patch[field] === undefined)

  const readNow = useReadNow({ collection: name, recordId, asApp })
  const save = useUpdate(name, {
    onSuccess: () => {
      end()
      return queries.invalidateQueries({ queryKey: SEEN_KEY })
    },
    onError: async ({ code }, sent) => {
      if (code !== 'CONFLICT') return
      // Another value that is taken is a conflict too: then the version is what it was.
      const now = await readNow().catch(() => undefined)
      if (!now || now.version === sent.ifVersion) return
      const after = rebased(changes, now)
      change(after.changes)
      setConflicts(after.conflicts)
    },
  })
  const isStale = save.error !== null && changes.base.version !== save.variables?.ifVersion
  const issues = save.error instanceof DeputyError ? save.error.issues : []
  const theirs = ({ field, theirs: value }: Conflict) => {
    change(changesOf(changes.base, { ...changes.values, [field]: value }))
    setConflicts(conflicts.filter((each) => each.field !== field))
  }
  return (
    <form
      className="card"
      aria-label="Edit"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        if (save.isPending || empty.length > 0) return
        if (Object.keys(patch).length === 0) return end()
        setConflicts([])
        save.mutate({ recordId, patch, ifVersion: changes.base.version })
      }}
    >
      <h2>Edit, through records</h2>
      <FormContext
        value={{ name: formOf(name, recordId), schemas, Field, issuesAt: (path) => issuesAt(issues, path) }}
      >
        <ObjectFields
          schema={shownFields(collection.patch, changes.base)}
          path={[]}
          value={changes.values}
          onChange={(values) => isObject(values) && change(changesOf(changes.base, values))}
        />
      </FormContext>
      {empty.length > 0 && (
        <p className="issue" role="alert">
          {empty.join(', ')}: give a value, or choose null where there is one.
        </p>
      )}
      {save.error && !isStale && <Problem error={save.error} />}
      {isStale && (
        <div className="problem" role="alert">
          <p>
            Someone else has changed the record: it is version {changes.base.version} now.{' '}
            {conflicts.length === 0
              ? 'They changed other fields, which are taken over here: save again.'
              : 'Choose, field by field, and save again.'}
          </p>
        </div>
      )}
      <Table
        rows={conflicts}
        keyOf={({ field }) => field}
        columns={[
          { title: 'Field', show: ({ field }) => field },
          { title: 'Before', show: ({ before }) => <ShortValue value={before} /> },
          { title: 'Theirs', show: (each) => <ShortValue value={each.theirs} /> },
          { title: 'Yours', show: ({ mine }) => <ShortValue value={mine} /> },
          {
            title: 'What can be done',
            isSilent: true,
            show: (conflict) => (
              <button type="button" className="quiet" onClick={() => theirs(conflict)}>
                Take theirs<span className="hidden"> of {conflict.field}</span>
              </button>
            ),
          },
        ]}
      />
      <div className="buttons">
        <button type="submit" className="primary" disabled={save.isPending || empty.length > 0}>
          {conflicts.length > 0 ? 'Save mine' : 'Save'}
        </button>
        <button type="button" onClick={end}>
          Leave it as it is
        </button>
      </div>
    </form>
  )
}

/** The fields that may be changed and are known: what is hidden from who edits is in no record of theirs. */
function shownFields(patch: JsonSchema, { data }: Changes['base']): JsonSchema {
  const properties = Object.entries(patch.properties ?? {}).filter(([field]) => Object.hasOwn(data, field))
  return {
    ...patch,
    properties: Object.fromEntries(properties),
    required: properties.map(([field]) => field),
  }
}
