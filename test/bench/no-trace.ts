/** Preloaded into a daemon (`--import`): its tracer hears nothing, so that what tracing costs can be told. */
import { TraceIo } from '../../src/trace/io.ts'
import { TraceMachine } from '../../src/trace/machine.ts'

TraceIo.prototype.sip = () => {}
TraceIo.prototype.channel = () => {}
TraceMachine.prototype.handle = () => []
