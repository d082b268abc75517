/** How much an account may upload: what the server is set to, and what its plan says instead. */
import type { Plans } from '@sealpost/accounts'
import type { UploadLimits } from './uploads.ts'

const MIB = 1024 * 1024
const DAY_SECONDS = 86_400

export function limitsOf(
  plans: Pick<Plans, 'of'>,
  server: UploadLimits,
): (accountId: string) => Promise<UploadLimits> {
  return async (accountId) => {
    const { limits } = await plans.of(accountId)
    return {
      fileBytes: scaled(limits.upload_file_mib, MIB) ?? server.fileBytes,
      spaceBytes: scaled(limits.upload_space_mib, MIB) ?? server.spaceBytes,
      slotsPerHour: limits.uploads_per_hour ?? server.slotsPerHour,
      keepSeconds: scaled(limits.upload_days, DAY_SECONDS) ?? server.keepSeconds,
    }
  }
}

function scaled(value: number | undefined, unit: number): number | undefined {
  return value === undefined ? undefined : value * unit
}
