import { OperationalError } from '@sealpost/errors'

const REASONS = {
  UPLOAD_UNKNOWN: 'There is no such file or slot',
  UPLOAD_FORBIDDEN: 'This is for who asked for the slot',
  UPLOAD_DONE: 'The file is there already',
  UPLOAD_LENGTH: 'The length is not that of the slot',
  UPLOAD_TYPE: 'The media type is not that of the slot',
  UPLOAD_BROKEN: 'The file did not come whole',
  UPLOAD_BUSY: 'Too much is uploaded at the moment',
  UPLOAD_FULL: 'There is no room for the file',
  UPLOAD_UNAVAILABLE: 'The file cannot be kept safely now',
} as const

export type UploadErrorCode = keyof typeof REASONS

/** Nothing was kept, given or deleted. */
export class UploadError extends OperationalError {
  override readonly name = 'UploadError'
  declare readonly code: UploadErrorCode

  constructor(code: UploadErrorCode, options?: { cause?: unknown }) {
    super(code, REASONS[code], options)
  }
}
