/** What only whoever runs this directory may do: by the control socket, or by the secret of the data directory where the services are processes of their own. */
import { HttpProblem, isLocalSocket, type FastifyReply, type FastifyRequest } from '@sealpost/http'
import type { PortSecret } from '@sealpost/ports'

type Done = (error?: Error) => void

/** A hook for `onRequest`. Without a secret: by the control socket alone. */
export function forOperator(secret: PortSecret | undefined) {
  return (request: FastifyRequest, _reply: FastifyReply, done: Done): void => {
    const known = isLocalSocket(request) || secret?.isShownBy(request.headers.authorization) === true
    done(known ? undefined : new HttpProblem(401, 'unauthorized', 'This is for the operator'))
  }
}
