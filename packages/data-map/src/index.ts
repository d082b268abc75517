/**
 * Everything that is kept, why, for how long, whether its owner gets it and how it is erased. One map: docs/privacy.md, the data policy of XEP-0504 and
 * `/.well-known/data-map.json` are made of it, and test/data-map.test.ts fails on a column that is not in it.
 */
export { DATA_MAP } from './tables.ts'
export { type DataPolicy, dataPolicy } from './data-policy.ts'
export { dataMapDocument } from './document.ts'
export type { ImpersonalTable, PersonalTable, TableEntry, Tables, Told } from './entry.ts'
export { type FileEntry, FILES } from './files.ts'
export { LOG_FIELDS } from './log-fields.ts'
export { dataMapMarkdown } from './markdown.ts'
