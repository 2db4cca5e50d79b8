import { describe, expect, it } from 'vitest'
import { unreachableIntegrations } from '../../server/integrations/unreachable-integrations.ts'
import { fixture } from '../fixture/app.ts'
import { configured } from './configured.ts'
import { SHOP_KEY, shops } from './shop.ts'

it('the catalogue shows what clients may call themselves, with its input, and nothing else', () => {
  const env = { OPEN_BASE_URL: 'http://open.example', OWN_BASE_URL: 'http://own.example', OWN_KEY: SHOP_KEY }
  const publicIntegrations = configured({ declarations: shops, env }).publicIntegrations()
  const input = { type: 'object', additionalProperties: false, properties: {} }
  expect(publicIntegrations).toMatchObject([
    { name: 'own', billing: 'user', clients: 'users', endpoints: [{ name: 'ask', input }] },
    { name: 'basic', billing: 'developer', clients: 'users', endpoints: [{ name: 'ask', input }] },
    { name: 'open', billing: 'developer', clients: 'anyone', endpoints: [{ name: 'ask', input }] },
    { name: 'proxied-user', billing: 'user', clients: 'users', endpoints: [] },
  ])
  expect(JSON.stringify(publicIntegrations)).not.toMatch(/_URL|_KEY|example|secret|shop/i)
})

it('the shipped catalogue shows the weather and translations', () => {
  const publicIntegrations = configured({ declarations: fixture.integrations }).publicIntegrations()
  expect(publicIntegrations.map(({ name, clients }) => [name, clients])).toEqual([
    ['weather', 'anyone'],
    ['libretranslate', 'users'],
  ])
  expect(publicIntegrations[0]?.endpoints[0]?.input).toMatchObject({
    required: ['latitude', 'longitude'],
    properties: { latitude: { minimum: -90, maximum: 90 } },
  })
})

describe('what cannot be called is told with the variables to set', () => {
  const variables = new Map([['OPENAI_BASE_URL', 'https://api.openai.com/v1']])
  const told = (options: { apiWorkerUrl?: URL; ownerJwt?: string; ownerUserId?: string }) =>
    unreachableIntegrations({
      declarations: fixture.integrations,
      env: (name) => variables.get(name),
      apiWorkerUrl: undefined,
      ownerJwt: undefined,
      ownerUserId: undefined,
      ...options,
    })
  const apiWorkerUrl = new URL('http://proxy.example')
  const of = (names: readonly string[], variable: string) =>
    names.map((name) => `${name} (set ${variable}, since the app's owner pays for it)`)
  const owners = ['openai', 'resend', 'weather']

  it('where nothing leads to it', () => {
    expect(told({ ownerUserId: 'owner' })).toEqual([
      'openai (set OPENAI_API_KEY, or API_WORKER_URL)',
      'resend (set RESEND_BASE_URL and RESEND_API_KEY, or API_WORKER_URL)',
      'weather (set WEATHER_BASE_URL, or API_WORKER_URL)',
      'libretranslate (set LIBRETRANSLATE_BASE_URL, or API_WORKER_URL)',
    ])
  })

  it('where nobody pays for it', () => {
    expect(told({ apiWorkerUrl, ownerJwt: 'a.b.c' })).toEqual(of(owners, 'OWNER_USER_ID'))
    expect(told({ apiWorkerUrl, ownerUserId: 'owner' })).toEqual(of(owners, 'APP_OWNER_JWT'))
  })

  it('and nothing is told where a proxy leads everywhere', () => {
    expect(told({ apiWorkerUrl, ownerJwt: 'a.b.c', ownerUserId: 'owner' })).toEqual([])
  })
})
