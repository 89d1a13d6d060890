/** `trace show`: what `call show` prints, from a file that was brought along; needs no running lanline. */
import { verifyTrace } from '../trace/document.ts'
import { isPage } from '../trace/signed-page.ts'
import { type Command, CommandError } from './command.ts'
import { readTrace, traceLines } from './trace.ts'

export const traceShow: Command = {
  name: 'trace show',
  usage: '<file>',
  about: 'prints ladder, verdict and evidence of an exported trace; needs no running lanline',
  words: [1, 1],
  run: async call => {
    const file = call.words[0]!
    const bytes = readTrace(file)
    if (isPage(bytes)) {
      throw new CommandError(
        `${file} is the page: open it in a browser; trace show reads what was exported as json`,
      )
    }
    const result = verifyTrace(bytes, undefined)
    if (result.kind === 'wrong') throw new CommandError(`${file} is not genuine: ${result.why}`)
    call.print(result.trace, () => traceLines(result.trace).join('\n'))
  },
}
