/** What takes minutes is run with WHOLE=1 only, as `npm run test:e2e` and `npm run test:forensic` do. */
import { test } from 'vitest'

export const isWhole = process.env['WHOLE'] !== undefined
export const longTest = test.skipIf(!isWhole)
