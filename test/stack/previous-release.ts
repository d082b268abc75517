/** The code of the release before this one, taken from the history, beside the libraries of this one. */
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from './compose-file.ts'

const exec = promisify(execFile)

/** At each release: the tag of the one before. Until there are tags: the commit before the last change of a schema (xmpp 0060). */
export const PREVIOUS = '357234cd073b549a1258ebfa78b710f748e4d32b'

/** Not in a shallow clone, nor where there is no history at all. */
export async function hasPrevious(): Promise<boolean> {
  return exec('git', ['cat-file', '-e', `${PREVIOUS}^{commit}`], { cwd: ROOT }).then(
    () => true,
    () => false,
  )
}

/** A directory with it, readable for everybody; removed when disposed. */
export async function unpackPrevious(): Promise<{ readonly tree: string } & AsyncDisposable> {
  const tree = await mkdtemp(join(tmpdir(), 'sealpost-previous-'))
  await chmod(tree, 0o755)
  await exec(
    'sh',
    ['-c', `git archive ${PREVIOUS} packages services scripts infra package.json | tar -x -C "$0"`, tree],
    {
      cwd: ROOT,
    },
  )
  await linkLibraries(tree)
  return { tree, [Symbol.asyncDispose]: () => rm(tree, { recursive: true, force: true }) }
}

/** Its own packages are its own; all others are found where they are here. */
async function linkLibraries(tree: string): Promise<void> {
  const [theirs, ours] = [join(tree, 'node_modules'), join(ROOT, 'node_modules')]
  await mkdir(join(theirs, '@sealpost'), { recursive: true })
  for (const name of await readdir(ours))
    if (name !== '@sealpost' && !name.startsWith('.')) await symlink(join(ours, name), join(theirs, name))
  for (const parent of ['packages', 'services'])
    for (const name of await readdir(join(tree, parent))) {
      const { default: manifest } = (await import(join(tree, parent, name, 'package.json'), {
        with: { type: 'json' },
      })) as { default: { name: string } }
      await symlink(join(tree, parent, name), join(theirs, manifest.name))
    }
}
