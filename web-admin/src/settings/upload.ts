/** A file on its way, with how far it is: `fetch` does not tell. */
import type { ErrorBody } from '../../../src/admin/message.ts'
import { ApiError } from '../api.ts'
import { update } from '../texts/update.ts'

export function uploadWithProgress<Body>(
  path: string,
  file: Blob,
  csrfToken: string,
  onPercent: (percent: number) => void,
): Promise<Body> {
  const { promise, resolve, reject } = Promise.withResolvers<Body>()
  const request = new XMLHttpRequest()
  request.open('POST', `/api/v1${path}`)
  request.setRequestHeader('content-type', 'application/octet-stream')
  request.setRequestHeader('x-csrf-token', csrfToken)
  request.responseType = 'json'
  request.upload.onprogress = ({ loaded, total }) =>
    onPercent(Math.floor((loaded / Math.max(total, 1)) * 100))
  request.onload = () => {
    if (request.status >= 200 && request.status < 300) return resolve(request.response as Body)
    const error = (request.response as ErrorBody | null)?.error
    const message = error?.message ?? update.cutOff
    reject(
      new ApiError(
        request.status,
        error?.code ?? 'failed',
        `${message.charAt(0).toUpperCase()}${message.slice(1)}.`,
      ),
    )
  }
  request.onerror = () => reject(new ApiError(0, 'unreachable', update.cutOff))
  request.send(file)
  return promise
}
