/** The newest migration of the API's schema, for tests of upgrades: an older one cannot be run again, since those after it have. */
import { sql } from '@sealpost/db'

const NAME = '0300_billed_at'

export const newestMigration = {
  /** It looks as if it had not run. */
  forget: sql`delete from api.migration where name = ${NAME}`,
  /** What it did is taken back. */
  undo: sql`alter table api.subscription drop column billed_at`,
  /** A row, once it has run. */
  hasRun: sql`select from api.migration where name = ${NAME}`,
}
