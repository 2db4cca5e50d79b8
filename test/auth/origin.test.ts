import { describe, expect, it } from 'vitest'
import { createOriginMatcher, parseOrigin } from '../../server/auth/origin.ts'

describe('an origin in CORS_ORIGINS', () => {
  it.each([
    ['https://app.example.com', 'https://app.example.com'],
    ['https://APP.example.com', 'https://app.example.com'],
    ['HTTPS://app.example.com:443', 'https://app.example.com'],
    ['http://localhost:5173', 'http://localhost:5173'],
    ['http://[::1]:8080', 'http://[::1]:8080'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['https://*.example.com', 'https://*.example.com'],
    ['https://*.Bücher.example:8443', 'https://*.xn--bcher-kva.example:8443'],
    ['http://*.localhost:3000', 'http://*.localhost:3000'],
    ['http://tauri.localhost', 'http://tauri.localhost'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['ionic://localhost', 'ionic://localhost'],
    ['tauri://localhost', 'tauri://localhost'],
    ['app://obsidian.md', 'app://obsidian.md'],
    [
      'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
      'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
    ],
    [
      'moz-extension://1F2E3D4C-0000-4000-8000-000000000000',
      'moz-extension://1f2e3d4c-0000-4000-8000-000000000000',
    ],
  ])('is taken: %s', (text, origin) => {
    expect(parseOrigin(text)).toEqual({ origin })
  })

  it.each([
    ['*', /every page/],
    ['null', /sandboxed pages/],
    ['app.example.com', /has no scheme; write https:\/\/app\.example\.com/],
    ['//app.example.com', /has no scheme; write https:\/\/app\.example\.com/],
    ['localhost:5173', /has no scheme/],
    ['https://app.example.com/', /goes on after the host; write https:\/\/app\.example\.com$/],
    ['https://app.example.com/path', /goes on after the host/],
    ['https://app.example.com?a', /goes on after the host/],
    ['capacitor://localhost/', /goes on after the host/],
    ['https://user:pw@app.example.com', /user before its host/],
    ['https://', /no valid host/],
    ['capacitor://', /no host/],
    ['https://app.example.com:99999', /no valid host/],
    ['file://', /no page of file/],
    ['wss://app.example.com', /no page of wss/],
    ['https://*', /elsewhere than as its whole first label/],
    ['https://*.*.example.com', /elsewhere/],
    ['https://app.*.com', /elsewhere/],
    ['https://*-team.example.com', /elsewhere/],
    ['https://*.com', /anybody can have one/],
    ['https://*.co.uk', /anybody can have one/],
    ['https://*.vercel.app', /anybody can have one/],
    ['https://*.127.0.0.1', /IP address/],
    ['moz-extension://*', /http and https/],
  ])('is refused with a sentence that names it: %s', (text, why) => {
    const parsed = parseOrigin(text)
    expect(parsed).toEqual({ problem: expect.stringMatching(why) })
    expect(parsed).toEqual({ problem: expect.stringContaining(`"${text}"`) })
  })
})

describe('a page', () => {
  const isKnown = createOriginMatcher([
    'https://app.example.com',
    'https://*.preview.example.com',
    'http://*.localhost:3000',
    'capacitor://localhost',
    'moz-extension://1f2e3d4c-0000-4000-8000-000000000000',
  ])

  it.each([
    ['https://app.example.com', true],
    ['https://a.preview.example.com', true],
    ['https://xn--bcher-kva.preview.example.com', true],
    ['http://shop.localhost:3000', true],
    ['capacitor://localhost', true],
    ['moz-extension://1F2E3D4C-0000-4000-8000-000000000000', true],
    // Not the domain itself, no second label, no other scheme or port, nothing that only ends or begins alike.
    ['https://preview.example.com', false],
    ['https://a.b.preview.example.com', false],
    ['http://a.preview.example.com', false],
    ['https://a.preview.example.com:8443', false],
    ['https://apreview.example.com', false],
    ['https://a.preview.example.com.evil.example', false],
    ['https://evil.example/.preview.example.com', false],
    ['https://evil.example#.preview.example.com', false],
    ['https://*.preview.example.com', false],
    ['https://.preview.example.com', false],
    ['http://shop.localhost', false],
    ['capacitor://evil', false],
    ['null', false],
    ['', false],
    ['__proto__', false],
  ])('%s: %s', (origin, isLetIn) => {
    expect(isKnown(origin)).toBe(isLetIn)
  })
})
