/** Directories of sealed files: bodies of mails, uploaded files. */
export { BlobDirectory } from './blob-directory.ts'
export type { BlobDirectoryOptions, BlobFile, Refusal } from './blob-directory.ts'
