/** `npm run build`: builds the panel into packages/admin-ui/dist, unless what is there was built from the same sources. `--force` builds in any case. */
import { createHash } from 'node:crypto'
import { glob, mkdir, readFile, writeFile } from 'node:fs/promises'
import { extname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { PANEL_BASE, PANEL_DIRECTORY } from '@sealpost/admin-ui'
import react from '@vitejs/plugin-react'
import { build } from 'vite'

const ROOT = join(import.meta.dirname, '..')
const PANEL = join(ROOT, 'packages/admin-ui')
const DIGEST = join(PANEL_DIRECTORY, '.digest')
/** Other types are compressed already, or too small to gain. */
const COMPRESSED = new Set(['.js', '.css', '.svg', '.json'])
const BYTES_MIN = 512

/** What every page needs is one file; each page is another. */
const BASE =
  /packages\/admin-ui\/src\/(app|api|parts)\/|node_modules\/(react|react-dom|scheduler|react-i18next|i18next|wouter|@tanstack|@simplewebauthn|@floating-ui|@mantine\/(core|hooks)|react-remove-scroll[^/]*|react-number-format)\//

const started = performance.now()
const digest = await digestSources()
if (process.argv.includes('--force') || (await readFile(DIGEST, 'utf8').catch(() => '')) !== digest) {
  await bundle()
  await compress()
  await writeFile(DIGEST, digest)
  console.log(`Built the panel in ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

/** Of everything that the result depends on. */
async function digestSources(): Promise<string> {
  const hash = createHash('sha256')
  const found = await Array.fromAsync(
    glob(['src/**/*.*', 'public/*', '*.html', '*.json', '*.ts'], { cwd: PANEL, exclude: ['**/*.test.ts'] }),
  )
  const paths = [
    ...found.map((path) => join(PANEL, path)),
    join(ROOT, 'package-lock.json'),
    import.meta.filename,
  ]
  for (const path of paths.sort()) {
    hash.update(`${relative(ROOT, path)}\0`)
    hash.update(
      createHash('sha256')
        .update(await readFile(path))
        .digest(),
    )
  }
  return hash.digest('hex')
}

/** Styles and scripts are files of their own: the panel's Content-Security-Policy knows no others. */
async function bundle(): Promise<void> {
  await mkdir(PANEL_DIRECTORY, { recursive: true })
  await build({
    root: PANEL,
    configFile: false,
    base: PANEL_BASE,
    logLevel: 'warn',
    plugins: [react()],
    build: {
      outDir: PANEL_DIRECTORY,
      emptyOutDir: true,
      assetsInlineLimit: 0,
      target: ['chrome120', 'firefox121', 'safari17'],
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      chunkSizeWarningLimit: 1_000,
      rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'base', test: BASE }] } } },
    },
  })
}

async function compress(): Promise<void> {
  const paths = await Array.fromAsync(glob('**/*.*', { cwd: PANEL_DIRECTORY }))
  await Promise.all(paths.filter((path) => COMPRESSED.has(extname(path))).map(compressOne))
}

async function compressOne(path: string): Promise<void> {
  const file = join(PANEL_DIRECTORY, path)
  const bytes = await readFile(file)
  if (bytes.length < BYTES_MIN) return
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY }
  await Promise.all([
    promisify(brotliCompress)(bytes, { params }).then((made) => writeFile(`${file}.br`, made)),
    promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }).then((made) =>
      writeFile(`${file}.gz`, made),
    ),
  ])
}
