/** How an integration is paid for and who may call it. */
export type IntegrationDeclaration =
  /** The app's owner pays. */
  | { readonly billing: 'developer'; readonly clients: 'none' | 'users' | 'anyone' }
  /** The caller pays, so there must be one. */
  | { readonly billing: 'user'; readonly clients: 'none' | 'users' }

export type IntegrationDeclarations = Readonly<Record<string, IntegrationDeclaration>>

/** Declares the app's integrations. `clients` has no default: openness is said on purpose. */
export function defineIntegrations<const T extends IntegrationDeclarations>(declarations: T): T {
  return declarations
}
