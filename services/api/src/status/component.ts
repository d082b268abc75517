/** The parts of the service whose status is public. */
export const COMPONENTS = ['chat', 'voice', 'mail', 'keys', 'api'] as const
export type Component = (typeof COMPONENTS)[number]

/** What a probe of one minute found. */
export interface ProbeResult {
  readonly component: Component
  readonly good: boolean
}
