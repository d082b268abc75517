/** For what is loaded before a server and stands between it and its disk: which open files are keyrings. */
import { promises } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'

const KEYRING = /^keyring\.(?:slots|new)$/

/** The numbers of those that are open, from now on. `onOpen` may change how one works. The caller makes it known by `syncBuiltinESMExports`. */
export function watchKeyrings(onOpen: (file: FileHandle) => void = () => undefined): ReadonlySet<number> {
  const keyrings = new Set<number>()
  const open = promises.open.bind(promises)
  promises.open = async (path, ...options) => {
    const file = await open(path, ...options)
    if (typeof path !== 'string' || !KEYRING.test(basename(path))) return file
    const { fd } = file
    const close = file.close.bind(file)
    keyrings.add(fd)
    file.close = () => {
      keyrings.delete(fd) // another file may get its number
      return close()
    }
    onOpen(file)
    return file
  }
  return keyrings
}
