/** A question to a running appliance over the socket in its data directory: with the owner's rights, whatever its clock. */
import { request } from 'node:http'
import { join } from 'node:path'

/** With a body it is a POST. */
export function askLocally<Body>(dataDirectory: string, path: string, body?: unknown): Promise<Body> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        ...{ socketPath: join(dataDirectory, 'lanline.sock'), path: `/api/v1${path}` },
        ...(body !== undefined && { method: 'POST', headers: { 'content-type': 'application/json' } }),
      },
      answer => {
        let text = ''
        answer.on('data', chunk => {
          text += String(chunk)
        })
        answer.on('end', () => resolve(JSON.parse(text) as Body))
      },
    )
    asked.on('error', reject)
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
