import type { Issue, JsonValue } from '../core/result.ts'

/** Has no value: it says what input an action takes. */
declare const INPUT: unique symbol
/** Has no value: it says what an action answers. */
declare const RESULT: unique symbol

/** An action that writes, as its module exports it. What takes one is typed by its input. */
export interface ActionReference<TInput, TResult = unknown> {
  readonly [INPUT]: TInput
  readonly [RESULT]: TResult
}

/** An action of the app that was found by its reference. */
export interface FoundAction {
  readonly name: string
  readonly kind: 'query' | 'mutation'
  /** What is wrong with an input before the action is called with it; empty for nothing. */
  check(input: unknown): Promise<readonly Issue[]>
}

/** Of one action, in place of the app's: calls, and whole micro-credits. */
export interface ActionBudget {
  readonly calls?: number | undefined
  readonly credits?: number | undefined
}

/** The actions of an app, by what their modules export. */
export interface ActionReferences {
  find(reference: unknown): FoundAction | undefined
  /** What may be shown of a stored input, without what the action marks secret. */
  shownInput(name: string, stored: string): JsonValue
  /** What an action says itself of the most that it may spend of the owner's money in a day; undefined for no action. */
  budgetOf(name: string): ActionBudget | undefined
}
