// Loaded before a command that a test runs, which ends with 70 where what it asked a server for, or what came back, was
// not as the server's OpenAPI document says.
export {}

const sent = globalThis.fetch

globalThis.fetch = async (input, init) => {
  const { origin, pathname } = new URL(input instanceof Request ? input.url : String(input))
  if (!pathname.startsWith('/api/')) return sent(input, init)
  const document = await sent(`${origin}/openapi.json`)
  if (!document.ok) return sent(input, init)
  // Only now: validators take long to load, and most commands ask no server.
  const { holdingFetch, holdServer } = await import('./held-servers.ts')
  const { refuseFaults } = await import('./contract-check.ts')
  holdServer(origin, await document.text(), undefined)
  const answer = await holdingFetch(sent)(input, init)
  try {
    refuseFaults()
  } catch (error) {
    process.stderr.write(`${error}\n`)
    process.exit(70)
  }
  return answer
}
