/** Preloaded into a daemon (`--import`): its tracer hears nothing, so that what tracing costs can be told. */
import { TraceIo } from '../../src/trace/io.ts'

TraceIo.prototype.sip = () => {}
TraceIo.prototype.channel = () => {}
TraceIo.prototype.input = () => {}
