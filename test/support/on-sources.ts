/** What Node needs to run the sources of this repository. */
export const ON_SOURCES = ['--conditions=deputy-source', '--import', 'tsx'] as const
