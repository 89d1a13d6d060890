/** A question to a running appliance over the socket in its data directory: with the owner's rights, whatever its clock. */
import { request } from 'node:http'
import { join } from 'node:path'

export function askLocally<Body>(dataDirectory: string, path: string): Promise<Body> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath: join(dataDirectory, 'lanline.sock'), path: `/api/v1${path}` },
      answer => {
        let text = ''
        answer.on('data', chunk => {
          text += String(chunk)
        })
        answer.on('end', () => resolve(JSON.parse(text) as Body))
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}
