/** The lanline command: argv to command, nothing else. */
import { run } from './cli/run.ts'

process.exitCode = await run(process.argv.slice(2), {
  environment: process.env,
  root: process.getuid?.() === 0,
})
