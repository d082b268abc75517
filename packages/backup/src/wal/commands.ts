/** The settings of Postgres that archive its log, and bring it back. */
import { join } from 'node:path'

/** A segment is closed after so many seconds, full or not: with the time to archive it, less than a minute is lost with the machine. */
const ARCHIVE_TIMEOUT_SECONDS = 45

/** For the postgres of `walDirectory`'s owner. Recipients as `age1…`. */
export function archivingSettings(
  walDirectory: string,
  recipients: readonly string[],
): Readonly<Record<string, string>> {
  const program = [
    process.execPath,
    join(import.meta.dirname, 'archive-segment.ts'),
    walDirectory,
    recipients.join(','),
  ]
  return {
    wal_level: 'replica',
    // For base backups.
    max_wal_senders: '2',
    archive_mode: 'on',
    archive_timeout: String(ARCHIVE_TIMEOUT_SECONDS),
    archive_command: `${program.map(quote).join(' ')} "%p" "%f"`,
  }
}

/** `until`: to the last transaction that ended before; otherwise to the end of the archive. */
export function recoverySettings(
  walDirectory: string,
  until: Date | undefined,
): Readonly<Record<string, string>> {
  const program = [process.execPath, join(import.meta.dirname, 'fetch-segment.ts'), walDirectory]
  return {
    wal_level: 'replica',
    // Without a command: what is new stays until the next start archives it, first of all the history of the new timeline.
    archive_mode: 'on',
    archive_command: '',
    hot_standby: 'off',
    restore_command: `${program.map(quote).join(' ')} "%f" "%p"`,
    recovery_target_action: 'promote',
    ...(until === undefined ? {} : { recovery_target_time: toTimestamp(until) }),
  }
}

/** Abbreviations of zones, `Z` among them, are not known yet when Postgres reads its settings. */
function toTimestamp(moment: Date): string {
  return moment.toISOString().replace('T', ' ').replace('Z', '+00')
}

/** For the shell, and for Postgres, which reads `%`. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`).replaceAll('%', '%%')}'`
}
