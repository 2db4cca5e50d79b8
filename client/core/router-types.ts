/** The router of an app by its procedures, as `deputy types` writes it. */
export interface DeclaredRouter<TProcedures extends object> {
  readonly _def: {
    readonly _config: { readonly $types: { readonly transformer: true } }
    readonly record: TProcedures
  }
}

/** The router of any app, as its `server/app.ts` exports it or as `deputy types` writes it. */
export type AnyDeputyRouter = DeclaredRouter<object>
