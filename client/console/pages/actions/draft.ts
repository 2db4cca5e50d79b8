import { useState } from 'react'
import { keepWhileAway } from '../../shell/kept-away.ts'

/** What was typed for an action: the input, and the raw JSON as it stands in its field. */
export interface Draft {
  readonly input: unknown
  readonly text: string
  /** What keeps the raw JSON from being the input. */
  readonly problem: string | undefined
  readonly actAs: string
}

/** Kept for as long as the page is open, and over a sign-in elsewhere: what fails or ends takes nothing away. */
const drafts = new Map<string, Draft>(keepWhileAway('drafts', (): [string, Draft][] => [...drafts]))

/** The draft of an action, and what changes it. The form and the raw JSON are kept in step. */
export function useDraft(action: string, blank: () => unknown) {
  const [draft, setDraft] = useState(() => drafts.get(action) ?? draftOf(blank(), ''))
  const change = (changed: Draft) => {
    drafts.set(action, changed)
    setDraft(changed)
  }
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

/** Puts an input into the form of an action, in place of what was typed there. */
export function prepareDraft(action: string, input: unknown, actAs: string): void {
  drafts.set(action, draftOf(input, actAs))
}
