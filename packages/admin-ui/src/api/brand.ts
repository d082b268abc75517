/** Whose pages these are: the organisation at whose host the browser is, or ours; and where its people get help. */
import type { Answer } from './operations.ts'
import { useApi } from './queries.ts'

/** What is undefined is as ours. */
export type Look = Answer<'GET', '/v1/branding'> & { readonly name: string }

/** Of the product, the same in every language. */
const NAME = 'Sealpost'

export function useLook(): Look {
  const { data } = useApi('/v1/branding', { query: { domain: location.hostname }, isFixed: true })
  return { ...data, name: data?.name ?? NAME }
}
