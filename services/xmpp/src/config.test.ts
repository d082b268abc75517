import { defineConfig } from '@sealpost/config'
import { expect, test } from 'vitest'
import { readConfig } from './config.ts'

test.each([
  ['none are made', {}, 0, 0],
  ['they are kept for fifteen days', { BACKUP_DIR: '/backup' }, 24, 16 * 24],
  [
    'copies elsewhere are kept as long again',
    { BACKUP_DIR: '/backup', BACKUP_RETENTION: '2d', BACKUP_RESTIC_REPOSITORY: '/copy' },
    24,
    (2 + 1 + 2 + 7) * 24,
  ],
  ['nobody knows of a Postgres that is not ours', { DATABASE_URL: 'postgres://db/x' }, undefined, undefined],
])('what is told of backups: %s', (_what, env, everyHours, keptHours) => {
  expect(defineConfig(env, readConfig).backups).toEqual({ everyHours, keptHours })
})
