/** Whose account page this is. Name and password are kept in memory until the page is left: there is nothing to steal from the browser's store. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Problem } from './problem.ts'
import { request, setBasic } from './request.ts'
import type { Account } from './types.ts'

const KEY = ['own-account'] as const

export interface Credentials {
  readonly jid: string
  readonly password: string
}

/** `null`: nobody is signed in. */
export function useOwnAccount(): Account | null {
  const { data } = useQuery<Account | null>({
    queryKey: KEY,
    queryFn: () => null,
    staleTime: Infinity,
    initialData: null,
  })
  return data
}

export function useAccountSignIn() {
  const client = useQueryClient()
  return useMutation<Account, Problem, Credentials>({
    mutationFn: async (credentials) => {
      setBasic(credentials)
      return request('GET', '/v1/me', {})
    },
    onSuccess: (account) => client.setQueryData(KEY, account),
    onError: () => setBasic(undefined),
  })
}

/** Forgets the password, and all that was shown. */
export function useAccountSignOut(): () => void {
  const client = useQueryClient()
  return () => {
    setBasic(undefined)
    client.setQueryData(KEY, null)
    client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== KEY[0] })
    client.getMutationCache().clear()
  }
}
