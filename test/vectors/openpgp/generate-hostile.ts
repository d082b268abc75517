/**
 * `node test/vectors/openpgp/generate-hostile.ts`: writes hostile/ anew from the project's own generator, packages/openpgp/test/hostile.ts. Small uploads are files; of the
 * others the manifest has the name by which the generator makes them, the same each time, and their SHA-256.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hostileCorpus } from '../../../packages/openpgp/test/hostile.ts'

const TARGET = join(import.meta.dirname, 'hostile')
/** A larger one is no file. */
const FILE_BYTES_MAX = 8 * 1024

const HEAD = `# Uploads that were made to hurt: file (\`-\`: made by its name in packages/openpgp/test/hostile.ts), bytes, SHA-256, what becomes of it, name.
# \`unharmed\`: the good certificate in it is taken as it is; \`reduced\`: some or all of it may be missing, since the attack uses up what may be spent on an upload;
# otherwise the code of the error with which the upload is refused.
`

rmSync(TARGET, { recursive: true, force: true })
mkdirSync(TARGET)
const lines = hostileCorpus().map(({ name, upload, refused, reduced }) => {
  const file = upload.length <= FILE_BYTES_MAX ? `${name.replaceAll(/[^\w]+/g, '-').toLowerCase()}.pgp` : '-'
  if (file !== '-') writeFileSync(join(TARGET, file), upload)
  const digest = createHash('sha256').update(upload).digest('hex')
  const outcome = refused ?? (reduced === true ? 'reduced' : 'unharmed')
  return `${[file, String(upload.length), digest, outcome, name].join('\t')}\n`
})
writeFileSync(join(TARGET, 'manifest.txt'), HEAD + lines.join(''))
