/**
 * Known media for fake devices: a tone and a colour per person, so that the far side can tell whose voice and picture
 * it got. Counters alone prove little.
 */
import { writeFileSync } from 'node:fs'

export type Colour = 'red' | 'blue' | 'green'

/** BT.601 studio-range Y, Cb, Cr of the pure colour. */
const ycbcr: Readonly<Record<Colour, readonly [number, number, number]>> = {
  red: [81, 90, 240],
  green: [145, 54, 34],
  blue: [41, 240, 110],
}

/**
 * A WAV file of a sine (16 bit, mono unless told), whole periods long so that it loops without a click. It swells and
 * fades five times a second: noise suppression would take an unchanging tone for hum.
 */
export function writeTone(
  path: string,
  hertz: number,
  options: { seconds?: number; rate?: number; channels?: number } = {},
): void {
  const { seconds = 2, rate = 48_000, channels = 1 } = options
  const frames = seconds * rate
  const data = Buffer.alloc(44 + frames * channels * 2)
  data.write('RIFF', 0)
  data.writeUInt32LE(36 + frames * channels * 2, 4)
  data.write('WAVEfmt ', 8)
  data.writeUInt32LE(16, 16)
  data.writeUInt16LE(1, 20)
  data.writeUInt16LE(channels, 22)
  data.writeUInt32LE(rate, 24)
  data.writeUInt32LE(rate * channels * 2, 28)
  data.writeUInt16LE(channels * 2, 32)
  data.writeUInt16LE(16, 34)
  data.write('data', 36)
  data.writeUInt32LE(frames * channels * 2, 40)
  for (let frame = 0; frame < frames; frame++) {
    const at = frame / rate
    const swell = 0.55 - 0.45 * Math.cos(2 * Math.PI * 5 * at)
    const sample = Math.round(16_000 * swell * Math.sin(2 * Math.PI * hertz * at))
    for (let channel = 0; channel < channels; channel++) {
      data.writeInt16LE(sample, 44 + (frame * channels + channel) * 2)
    }
  }
  writeFileSync(path, data)
}

/**
 * A Y4M film of one colour, ten pictures a second, with a small square that moves so that no encoder takes it for a
 * still.
 */
export function writeColour(
  path: string,
  colour: Colour,
  options: { width?: number; height?: number } = {},
): void {
  const { width = 320, height = 240 } = options
  const [y, cb, cr] = ycbcr[colour]
  const parts: Buffer[] = [Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`)]
  for (let frame = 0; frame < 10; frame++) {
    const luma = Buffer.alloc(width * height, y)
    for (let row = 4; row < 20; row++)
      luma.fill(y + 60, row * width + 4 + frame * 16, row * width + 20 + frame * 16)
    const quarter = (width / 2) * (height / 2)
    parts.push(Buffer.from('FRAME\n'), luma, Buffer.alloc(quarter, cb), Buffer.alloc(quarter, cr))
  }
  writeFileSync(path, Buffer.concat(parts))
}

/** Strength of `hertz` in the samples, 0 to 1 for a pure tone of it (Goertzel's filter, normed by the total power). */
export function toneShare(samples: ArrayLike<number>, rate: number, hertz: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * hertz) / rate)
  let previous = 0
  let beforeThat = 0
  let power = 0
  for (let index = 0; index < samples.length; index++) {
    const sample = samples[index]!
    const next = sample + coefficient * previous - beforeThat
    beforeThat = previous
    previous = next
    power += sample * sample
  }
  const found = previous ** 2 + beforeThat ** 2 - coefficient * previous * beforeThat
  return power === 0 ? 0 : Math.min(1, (2 * found) / (power * samples.length))
}

/** Samples of a 16-bit PCM WAV file (first channel), -1 to 1; a header that was never finished is forgiven. */
export function readTone(file: Buffer): { rate: number; samples: Float32Array } {
  const channels = file.readUInt16LE(22)
  const rate = file.readUInt32LE(24)
  const start = file.indexOf('data', 36, 'latin1') + 8
  const frames = Math.floor((file.length - start) / (2 * channels))
  const samples = new Float32Array(frames)
  for (let frame = 0; frame < frames; frame++)
    samples[frame] = file.readInt16LE(start + frame * 2 * channels) / 32_768
  return { rate, samples }
}
