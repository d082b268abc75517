/** Administration of a server: `npm run ctl -- NOUN VERB …`; `--help` lists everything. */
import { readCtlConfig, runCtl, type LocalVerb } from '@sealpost/api-service/ctl'
import { requestAdopt, requestReset } from '@sealpost/keyring'
import { fromProcessEnv } from '@sealpost/service'

const { dataDir, keyringOf } = fromProcessEnv(readCtlConfig)

const localVerbs: readonly LocalVerb[] = [
  {
    noun: 'keyring',
    verb: 'adopt',
    summary:
      'At the next start, take the keyring for the database that it refused: after a restored or moved database',
    run: async (directory) => {
      await requestAdopt(keyringOf(directory))
      return 'The next start adopts the keyring'
    },
  },
  {
    noun: 'keyring',
    verb: 'reset',
    summary: 'At the next start, begin with an empty keyring: every undelivered message is lost',
    run: async (directory) => {
      await requestReset(keyringOf(directory))
      return 'The next start begins with an empty keyring'
    },
  },
]

const { stdin, stdout, stderr } = process
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error // Whoever reads our output may have seen enough.
})
process.exitCode = await runCtl(process.argv.slice(2), { dataDir, stdin, stdout, stderr, localVerbs })
