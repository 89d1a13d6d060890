/** A backup by the interface that cannot be made. */
import { afterEach, expect, it } from 'vitest'
import { backupOf } from '../../src/backup/backup.ts'
import { AdminHouse } from './house.ts'

let house: AdminHouse
afterEach(() => house.close())

it('a backup for which there is no room is answered with that, not with half a file; another may be tried', async () => {
  const place = { dataDirectory: '/nowhere', version: '0', schema: 1, freeBytes: () => 0 }
  house = await AdminHouse.open({ backup: backupOf(place) })
  const headers = await house.owner()
  for (const _ of [1, 2]) {
    const passphrase = 'three words and one'
    const { status, body } = await house.api('POST', '/backup', { headers, body: { passphrase } })
    expect([status, body.error.code]).toEqual([507, 'noRoom'])
  }
})
