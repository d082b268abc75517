/** The one way of loading: everything that is shown is a query by path and parameters. */
import {
  keepPreviousData,
  QueryCache,
  QueryClient,
  useQuery,
  type UseQueryResult,
} from '@tanstack/react-query'
import { useState } from 'react'
import type { Answer, Input, ItemOf, PagedPath, PathOf } from './operations.ts'
import { Problem } from './problem.ts'
import { request } from './request.ts'
import { SESSION } from './session.ts'

const STALE_MS = 10_000
const RETRIES_MAX = 2

export type ApiQuery<T> = UseQueryResult<T, Problem>

/** What a request was refused for is asked again only where that may help; who is signed in, when an answer says that nobody is. */
export function createQueryClient(): QueryClient {
  const queryCache = new QueryCache({
    onError: (error) => {
      if (error instanceof Problem && error.status === 401)
        void client.invalidateQueries({ queryKey: [SESSION] })
    },
  })
  const client = new QueryClient({
    queryCache,
    defaultOptions: {
      queries: {
        staleTime: STALE_MS,
        retry: (count, error) => count < RETRIES_MAX && error instanceof Problem && isPassing(error),
      },
    },
  })
  return client
}

function isPassing({ status }: Problem): boolean {
  return status === 0 || status === 503
}

interface Watching {
  /** How often it is asked anew while it is shown, in milliseconds. */
  readonly everyMs?: number
  readonly isEnabled?: boolean
  /** Does not change while the page is open. */
  readonly isFixed?: boolean
}

export type QueryOptions<P extends PathOf<'GET'>> = Input<'GET', P> & Watching

export function useApi<P extends PathOf<'GET'>>(
  path: P,
  options: QueryOptions<P>,
): ApiQuery<Answer<'GET', P>> {
  const { params, query, everyMs, isEnabled = true, isFixed = false } = options
  return useQuery<Answer<'GET', P>, Problem>({
    queryKey: [path, params ?? {}, query ?? {}],
    queryFn: ({ signal }) => request('GET', path, { ...options, signal }),
    refetchInterval: everyMs ?? false,
    staleTime: isFixed ? Infinity : STALE_MS,
    enabled: isEnabled,
    placeholderData: keepPreviousData,
  })
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly next?: string
}

export interface Paging {
  readonly page: number
  readonly hasPrevious: boolean
  readonly hasNext: boolean
  readonly previous: () => void
  readonly next: () => void
}

/** A list by pages: the cursors of the pages before are kept, so that one can go back. Other filters begin at the first page. */
export function usePages<P extends PagedPath>(
  path: P,
  options: QueryOptions<P>,
): { result: ApiQuery<Page<ItemOf<P>>>; paging: Paging } {
  const filters = JSON.stringify([path, options.params, options.query])
  const [trail, setTrail] = useState<{ filters: string; cursors: readonly string[] }>({
    filters,
    cursors: [],
  })
  const cursors = trail.filters === filters ? trail.cursors : []
  const asked = { ...options, query: { ...options.query, cursor: cursors.at(-1) } } as QueryOptions<P>
  const result = useApi(path, asked) as ApiQuery<Page<ItemOf<P>>>
  const next = result.data?.next
  return {
    result,
    paging: {
      page: cursors.length + 1,
      hasPrevious: cursors.length > 0,
      hasNext: next !== undefined && !result.isPlaceholderData,
      previous: () => setTrail({ filters, cursors: cursors.slice(0, -1) }),
      next: () => next !== undefined && setTrail({ filters, cursors: [...cursors, next] }),
    },
  }
}
