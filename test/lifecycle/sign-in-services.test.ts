// What docs/sign-in.md prints for services, with a server of its own: the environment as it stands there, but for where
// the keys are, and tokens with the claims that it shows.
import { afterAll, describe, expect, it, vi } from 'vitest'
import { keySet, startKeyServer } from '../auth/key-server.ts'
import { ecSigner, rsaSigner } from '../auth/tokens.ts'
import { dataDirectory } from '../support/data-directory.ts'
import { shown, shownEnv, stepsOf } from '../support/page-steps.ts'
import { startServer } from './process.ts'

vi.setConfig({ testTimeout: 120_000 })
const PAGE = 'sign-in.md'
const directory = await dataDirectory()
afterAll(() => directory[Symbol.asyncDispose]())

/** Changes of a claim by which a token is not for this app, or says no role. Undefined takes a claim away. */
const SERVICES = [
  {
    name: 'Clerk',
    signer: rsaSigner,
    header: { typ: 'JWT', cat: 'cl_B7d4PD111AAA' },
    refused: [
      { azp: 'https://evil.example.com' },
      { azp: undefined },
      { aud: 'convex' },
      { iss: 'https://clerk.other.com' },
    ],
    noRole: { metadata: {}, unsafe_metadata: { role: 'admin' } },
  },
  {
    name: 'Auth0',
    signer: rsaSigner,
    header: { typ: 'at+jwt' },
    refused: [{ aud: 'https://other.example.com' }, { aud: undefined }, { iss: 'https://acme.eu.auth0.com' }],
    noRole: { 'https://example.com/roles': [], roles: ['admin'] },
  },
  {
    name: 'Supabase',
    signer: ecSigner,
    header: { typ: 'JWT' },
    refused: [
      // The anonymous key of a project.
      { iss: 'supabase', aud: undefined, role: 'anon', sub: undefined },
      { aud: 'anon' },
      { iss: 'https://zzz.supabase.co/auth/v1' },
    ],
    noRole: { app_metadata: {}, role: 'admin' },
  },
]

describe.each(SERVICES)('what the page prints for $name', ({ name, signer, header, refused, noRole }) => {
  it('takes its tokens, and those of no one else', async () => {
    const steps = await stepsOf(PAGE, name)
    const id = name.toLowerCase()
    const claims = JSON.parse(shown(steps, `${id}-token`))
    const [own, other] = [signer('one'), signer('one')]
    await using keys = await startKeyServer(keySet({ ...own.publicJwk, use: 'sig' }))
    const env = shownEnv(steps, id)
    await using server = await startServer({
      DATA_DIR: directory.path,
      ...env,
      AUTH_JWKS_URL: keys.url.href,
    })
    const now = Math.floor(Date.now() / 1_000)
    const times = { iat: now, exp: now + 60 }
    const ask = async (more: object = {}, keysOf = own) => {
      const token = keysOf.sign({ ...times, ...claims, ...more }, header)
      const answer = await fetch(`${server.url}/api/users/me`, {
        headers: { authorization: `Bearer ${token}` },
      })
      return { status: answer.status, body: await answer.json() }
    }

    const role = (expected: string) => ({
      status: 200,
      body: { data: { userId: claims.sub, role: expected } },
    })
    expect(await ask()).toMatchObject(role('admin'))
    expect(await ask(noRole)).toMatchObject(role('member'))
    for (const more of refused) expect([more, (await ask(more)).status]).toEqual([more, 401])
    expect((await ask({}, other)).status).toBe(401)
    expect((await ask({ exp: now - 60 })).status).toBe(401)
  })
})
