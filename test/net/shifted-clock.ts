/** Loaded before a program: its wall clock is off by as many milliseconds as a file says, which may change meanwhile. */
import { readFileSync } from 'node:fs'

const file = process.env.SHIFTED_CLOCK_FILE ?? ''
const real = Date.now
let shift = 0
const look = (): void => {
  try {
    shift = Number(readFileSync(file, 'utf8')) || 0
  } catch {
    shift = 0
  }
}
look()
setInterval(look, 100).unref()
Date.now = () => real() + shift
