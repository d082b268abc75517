/** What goes wrong with a backup. The messages are for the administrator, and repeat nothing of what is in it. */
import { OperationalError } from '@sealpost/errors'

export class BackupError extends OperationalError {
  override name = 'BackupError'
}
