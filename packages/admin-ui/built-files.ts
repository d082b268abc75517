/** What of the panel a server needs to know: where `npm run build` puts it. */
import { join } from 'node:path'

/** The built panel: index.html, files with a hash in their name under assets/, and for each `.br` and `.gz` of the same content. */
export const PANEL_DIRECTORY = join(import.meta.dirname, 'dist')

/** Stands in index.html where the nonce of the answer belongs (CSP Level 3 §4.2.3). */
export const NONCE_PLACEHOLDER = '{{csp-nonce}}'

/** The address under which the server offers the built files. */
export const PANEL_BASE = '/admin/'
