import { endTyped, setTyped, type TypedName, useTyped } from '../../shell/typed.ts'

/** What was typed for an action: the input, and the raw JSON as it stands in its field. */
export interface Draft {
  readonly input: unknown
  readonly text: string
  /** What keeps the raw JSON from being the input. */
  readonly problem: string | undefined
  readonly actAs: string
}

/** Names the form of an action. */
export function formOf(action: string): TypedName {
  return ['action', action]
}

/** The draft of an action, and what changes it. The form and the raw JSON are kept in step. */
export function useDraft(action: string, blank: () => unknown) {
  const { value: draft, change } = useTyped(formOf(action), () => draftOf(blank(), ''))
  return {
    draft,
    setInput: (input: unknown) => change(draftOf(input, draft.actAs)),
    setText: (text: string) => change(readText(draft, text)),
    setActAs: (actAs: string) => change({ ...draft, actAs }),
  }
}

function draftOf(input: unknown, actAs: string): Draft {
  return { input, text: JSON.stringify(input, null, 2), problem: undefined, actAs }
}

function readText(draft: Draft, text: string): Draft {
  try {
    return { ...draft, text, input: text.trim() === '' ? {} : JSON.parse(text), problem: undefined }
  } catch (error) {
    return { ...draft, text, problem: (error as Error).message }
  }
}

/** Puts an input into the form of an action, in place of what the viewer has typed there. */
export function prepareDraft(viewer: string, action: string, input: unknown, actAs: string): void {
  endTyped(viewer, formOf(action))
  setTyped(viewer, formOf(action), draftOf(input, actAs))
}
