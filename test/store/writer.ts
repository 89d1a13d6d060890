/** A process that adds people and prints each name once the store acknowledged it, until it is killed. */
import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { openStore } from '../../src/store/store.ts'

const store = await openStore(process.argv[2]!)
for (;;) {
  const name = `u${randomBytes(6).toString('hex')}`
  await store.directory.addUser({ name })
  writeSync(1, `${name}\n`)
}
