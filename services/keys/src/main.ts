import { runMain } from '@sealpost/service'
import { readConfig } from './config.ts'
import { createKeysService } from './service.ts'

await runMain(readConfig, createKeysService)
