/** How the panel is served: its policy, its files, and how much the first page takes. */
import { glob, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PANEL_DIRECTORY } from '@sealpost/admin-ui'
import { createTestApi, type TestApi } from './api.ts'

/** Compressed: what a browser loads before the first page stands. */
const FIRST_PAGE_BYTES_MAX = 300_000

let api: TestApi

beforeAll(async () => {
  api = await createTestApi()
})

afterAll(() => api[Symbol.asyncDispose]())

const get = (path: string, headers: Record<string, string> = {}) => api.call('GET', path, { headers })

/** What index.html names. */
async function filesOfPage(): Promise<string[]> {
  const page = await readFile(join(PANEL_DIRECTORY, 'index.html'), 'utf8')
  return [...page.matchAll(/(?:src|href)="(\/admin\/[^"]+)"/g)].map(([, path = '']) => path)
}

test.each([
  '/admin',
  '/admin/',
  '/admin/accounts/alice%40example.org',
  '/account',
  '/account/devices',
  '/status',
])('%s is the panel, never cached, under a policy with a nonce of its own', async (path) => {
  const [one, other] = [await get(path), await get(path)]
  expect(one.status).toBe(200)
  expect(one.headers['cache-control']).toBe('no-store')
  const policy = String(one.headers['content-security-policy'])
  const [, nonce = ''] = /'nonce-([^']+)'/.exec(policy) ?? []
  expect(nonce).toMatch(/^[A-Za-z0-9+/]{24}$/)
  expect(policy.replace(nonce, '…')).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-…'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  )
  expect(one.text).toContain(`nonce="${nonce}"`)
  expect(other.text).not.toContain(nonce)
})

test('the page has no inline script, no inline style, and names no other host', async () => {
  const { text } = await get('/admin')
  expect(text).not.toMatch(/<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc="\/admin\/)/)
  expect(text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//)
})

test('files with a hash in their name may be kept for ever, others are asked for anew', async () => {
  const [hashed = ''] = (await filesOfPage()).filter((path) => path.includes('/assets/'))
  expect((await get(hashed)).headers['cache-control']).toBe('public, max-age=31536000, immutable')
  const scheme = await get('/admin/color-scheme.js')
  expect(scheme.headers['cache-control']).toBe('no-cache')
  const again = await get('/admin/color-scheme.js', { 'if-none-match': String(scheme.headers.etag) })
  expect([again.status, again.text]).toEqual([304, ''])
})

test.each([
  ['br, gzip', 'br'],
  ['gzip;q=0.8', 'gzip'],
  ['br;q=0, gzip', 'gzip'],
  ['identity', undefined],
])('accept-encoding %s is answered with %s', async (accepted, coding) => {
  const [hashed = ''] = (await filesOfPage()).filter(
    (path) => path.endsWith('.js') && path.includes('/assets/base'),
  )
  const answer = await get(hashed, { 'accept-encoding': accepted })
  expect(answer.status).toBe(200)
  expect(answer.headers['content-encoding']).toBe(coding)
  expect(answer.headers.vary).toBe('accept-encoding')
})

test.each([
  '/admin/assets/none-12345678.js',
  '/admin/assets/..%2f..%2findex.html',
  '/admin/assets/../.digest',
])('%s is not there', async (path) => expect((await get(path)).status).toBe(404))

test('links of accounts are pages of the server, those of administrators lead to the panel', async () => {
  expect((await get('/enrol/nonsense')).text).not.toContain('id="root"')
  expect((await get('/admin/invite/nonsense')).text).toContain('id="root"')
})

test('the first page takes less than 300 kB, compressed', async () => {
  const bytes = await firstPageBytes()
  expect(bytes).toBeLessThan(FIRST_PAGE_BYTES_MAX)
  expect(bytes).toBeGreaterThan(50_000)
})

/** All that index.html names, and all code of `/admin` and of one language that it then asks for. */
async function firstPageBytes(): Promise<number> {
  const named = (await filesOfPage()).map((path) => path.slice('/admin/'.length))
  const later = await Array.fromAsync(
    glob(['assets/admin-*.{js,css}', 'assets/fr-*.js'], { cwd: PANEL_DIRECTORY }),
  )
  const sizes = ['index.html', ...named, ...later].map(async (path) => {
    const file = join(PANEL_DIRECTORY, path)
    return (await stat(`${file}.gz`).catch(() => stat(file))).size
  })
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
