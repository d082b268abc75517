/** Backups of a Postgres of one's own, in a process beside the services: its log as it is written, a base backup a day, drills (docs/backups.md). */
import { createBackupService, readBackupServiceConfig } from '@sealpost/dev-env'
import { runMain } from '@sealpost/service'

const HELP = `Usage: node scripts/keep-backups.ts [--check-config]

Backs up the database named by DATABASE_URL, whose user needs REPLICATION and a line in pg_hba.conf, until SIGTERM. Configured by the environment, BACKUP_DIR and
BACKUP_RECIPIENTS at least; README.md has the table. At HTTP_PORT are the signs of health.
`

if (process.argv.includes('--help')) process.stdout.write(HELP)
else await runMain(readBackupServiceConfig, createBackupService)
