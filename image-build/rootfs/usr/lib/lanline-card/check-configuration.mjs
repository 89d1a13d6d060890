// Whether lanline would take a configuration file: says what is wrong with it, or nothing. Only this much of lanline is
// loaded, since a small board takes seconds for the whole.
import { loadConfig } from '/usr/lib/lanline/src/config.ts'

try {
  loadConfig({ file: process.argv[2], environment: {}, root: false, checkout: '/usr/lib/lanline' })
} catch (error) {
  process.stdout.write(`${error.message}\n`)
  process.exitCode = 1
}
