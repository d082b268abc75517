/** `ctl` itself, once scripts/ctl.ts has said where what is compiled of it is kept. */
import { readCtlConfig, runCtl, type LocalVerb } from '@sealpost/api-service/ctl'
import { requestAdopt, requestReset } from '@sealpost/keyring'
import { fromProcessEnv } from '@sealpost/service'
import { backupVerbs } from './backup.ts'

const { dataDir, keyringsOf } = fromProcessEnv(readCtlConfig)

const localVerbs: readonly LocalVerb[] = [
  ...backupVerbs,
  {
    noun: 'keyring',
    verb: 'adopt',
    summary:
      'At the next start, take the keyrings for the database that they refused: after a restored or moved database',
    run: async (directory) => {
      for (const keyring of keyringsOf(directory)) await requestAdopt(keyring)
      return 'The next start adopts the keyrings'
    },
  },
  {
    noun: 'keyring',
    verb: 'reset',
    summary: 'At the next start, begin with empty keyrings: every undelivered message and mail is lost',
    run: async (directory) => {
      for (const keyring of keyringsOf(directory)) await requestReset(keyring)
      return 'The next start begins with empty keyrings'
    },
  },
]

const { stdin, stdout, stderr } = process
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error // Whoever reads our output may have seen enough.
})
process.exitCode = await runCtl(process.argv.slice(2), { dataDir, stdin, stdout, stderr, localVerbs })
