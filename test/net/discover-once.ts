/** Runs inside a host of the LAN: looks for an appliance once, and says how long it took. */
import { discover } from '../../client/node.ts'

const begin = performance.now()
const [appliance] = await discover({ enough: 1 })
console.log(JSON.stringify(appliance ? { milliseconds: performance.now() - begin } : {}))
process.exit(0)
