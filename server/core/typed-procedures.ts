// What clients know of procedures: types alone, without those of tRPC, which compile only where Node's types are.

/** A procedure that only reads. */
export interface TypedQuery<TInput, TOutput> {
  readonly _def: {
    readonly type: 'query'
    readonly $types: { readonly input: TInput; readonly output: TOutput }
  }
}

/** A procedure that may write. */
export interface TypedMutation<TInput, TOutput> {
  readonly _def: {
    readonly type: 'mutation'
    readonly $types: { readonly input: TInput; readonly output: TOutput }
  }
}

/** A procedure whose answer is sent again after each change. */
export interface TypedSubscription<TInput, TOutput> {
  readonly _def: {
    readonly type: 'subscription'
    readonly $types: { readonly input: TInput; readonly output: AsyncIterable<TOutput, void, undefined> }
  }
}

/** An input that a client may leave out. */
// biome-ignore lint/suspicious/noConfusingVoidType: it is what lets a client leave the argument out.
export type Omissible<TInput> = TInput | void
