/** What Node needs to run the sources of this repository. */
export const ON_SOURCES = ['--conditions=deputy-source', '--import', 'tsx'] as const
/**
 * The same, for a process that ends soon: the code of the embedded database (WebAssembly) is compiled once and not
 * optimised, which would take longer than all that such a process does with it.
 */
export const SHORTLY_ON_SOURCES = ['--liftoff-only', ...ON_SOURCES] as const
