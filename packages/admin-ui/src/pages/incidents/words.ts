/** The API's words about the status of the service. */
import type { Incident } from '../../api/types.ts'

export const COMPONENTS: Incident['components'] = ['chat', 'voice', 'mail', 'keys', 'api']
export const SEVERITIES: readonly Incident['severity'][] = ['minor', 'major', 'critical']
export const SEVERITY_TONES = { minor: 'quiet', major: 'warn', critical: 'bad' } as const
