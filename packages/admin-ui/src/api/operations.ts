/** What the API takes and answers, by path and method: from the types that are made of its registry of commands. */
import type { ApiPaths } from '@sealpost/api-client'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

interface Operation {
  readonly parameters: { readonly query?: unknown; readonly path?: unknown }
  readonly requestBody?: unknown
  readonly responses: object
}

/** Paths that have the method. */
export type PathOf<M extends Method> = {
  [P in keyof ApiPaths]: Lowercase<M> extends keyof ApiPaths[P]
    ? ApiPaths[P][Lowercase<M>] extends Operation
      ? P
      : never
    : never
}[keyof ApiPaths]

type OperationOf<M extends Method, P extends PathOf<M>> =
  Lowercase<M> extends keyof ApiPaths[P] ? ApiPaths[P][Lowercase<M>] : never

type Content<A> = A extends { content: infer C } ? C[keyof C] : never

/** The answer of 2xx. */
export type Answer<M extends Method, P extends PathOf<M>> =
  OperationOf<M, P> extends { responses: infer R }
    ? { [S in keyof R]: S extends 200 | 201 | 202 ? Content<R[S]> : never }[keyof R]
    : never

type Given<T, N extends string> = [T] extends [never]
  ? Partial<Record<N, undefined>>
  : undefined extends T
    ? Partial<Record<N, NonNullable<T>>>
    : Record<N, T>

type PathParams<O> = O extends { parameters: { path: infer T } } ? Given<T, 'params'> : { params?: undefined }
type QueryParams<O> = O extends { parameters: { query?: infer T } }
  ? { query?: NonNullable<T> }
  : { query?: undefined }
type Body<O> = O extends { requestBody: { content: { 'application/json': infer T } } }
  ? { body: T }
  : O extends { requestBody?: { content: { 'application/json': infer T } } }
    ? { body?: T }
    : O extends { requestBody: unknown }
      ? { body: Blob }
      : { body?: undefined }

/** One operation at a time: of many the parts must not be combined with one another. */
type InputOf<O> = O extends unknown ? Readonly<PathParams<O> & QueryParams<O> & Body<O>> : never

/** What a request of the operation brings. */
export type Input<M extends Method, P extends PathOf<M>> = InputOf<OperationOf<M, P>>

/** The items of a list. */
export type ItemOf<P extends PathOf<'GET'>> =
  Answer<'GET', P> extends { items: readonly (infer T)[] } ? T : never

/** Paths of lists by pages. */
export type PagedPath = {
  [P in PathOf<'GET'>]: Answer<'GET', P> extends { items: unknown[]; next?: string } ? P : never
}[PathOf<'GET'>]
