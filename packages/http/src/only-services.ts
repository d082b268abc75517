/** For the ports between the services of one deployment: nobody else may ask. */
import type { FastifyRequest } from 'fastify'
import { HttpProblem } from './http-problem.ts'

interface Secret {
  isShownBy(authorization: string | undefined): boolean
}

/** A hook: refuses whoever does not show the secret. */
export function onlyServices(secret: Secret) {
  return async ({ headers }: FastifyRequest): Promise<void> => {
    if (!secret.isShownBy(headers.authorization))
      throw new HttpProblem(401, 'secret-missing', 'This is for the services of one deployment')
  }
}
