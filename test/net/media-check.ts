/**
 * What a person in front of the page would hear and see, measured inside the page: the loudest frequency of the
 * remote voice, the colour of the remote picture, and the pair the browser selected.
 */
import type { Page } from 'playwright-core'
import type { Colour } from './media.ts'
import { until } from './wait.ts'

interface Watched {
  readonly connections: RTCPeerConnection[]
  readonly remote: MediaStreamTrack[]
}

/**
 * The loudest frequency, in hertz, of the newest live remote audio track; undefined while it is silent, or not played: what
 * listens to a track that Chromium plays no more goes on with what it heard last. A round is a look of 60 ms.
 */
export async function heardHertz(page: Page, rounds = 10): Promise<number | undefined> {
  const hertz = await page.evaluate(async rounds => {
    const scope = window as unknown as {
      watched: Watched
      probe?: { track: MediaStreamTrack; analyser: AnalyserNode; audio: AudioContext }
    }
    const track = scope.watched.remote
      .filter(each => each.kind === 'audio' && each.readyState === 'live')
      .at(-1)
    if (track === undefined) return undefined
    if (scope.probe?.track !== track) {
      void scope.probe?.audio.close()
      const audio = new AudioContext()
      const analyser = audio.createAnalyser()
      analyser.fftSize = 4096
      audio.createMediaStreamSource(new MediaStream([track])).connect(analyser)
      // After some forty of them in one page Chromium starts no more, and does not say so.
      await Promise.race([audio.resume(), new Promise(resolve => setTimeout(resolve, 2_000))])
      scope.probe = { track, analyser, audio }
    }
    const { analyser } = scope.probe
    const playedEnergy = async (): Promise<number> => {
      const receivers = scope.watched.connections.flatMap(connection => connection.getReceivers())
      // Of a connection that closes meanwhile there may be none for ever.
      const late = new Promise<undefined>(resolve => setTimeout(resolve, 1_000))
      const stats = await Promise.race([
        receivers.find(receiver => receiver.track === track)?.getStats(),
        late,
      ])
      const received = [...(stats?.values() ?? [])].filter(({ type }) => type === 'inbound-rtp')
      return received.reduce((sum, { totalAudioEnergy = 0 }) => sum + totalAudioEnergy, 0)
    }
    const before = await playedEnergy()
    const bins = new Float32Array(analyser.frequencyBinCount)
    const best = { bin: 0, decibels: -60 }
    for (let round = 0; round < rounds; round++) {
      await new Promise(resolve => setTimeout(resolve, 60))
      analyser.getFloatFrequencyData(bins)
      bins.forEach((decibels, bin) => {
        if (bin > 4 && decibels > best.decibels) Object.assign(best, { bin, decibels })
      })
    }
    if (best.bin === 0 || (await playedEnergy()) <= before) return undefined
    return (best.bin * analyser.context.sampleRate) / analyser.fftSize
  }, rounds)
  return hertz
}

/** The colour in the middle of the newest playing remote picture; undefined while there is none or it is none of ours. */
export async function seenColour(page: Page): Promise<Colour | undefined> {
  const pixel = await page.evaluate(() => {
    const tracks = new Set((window as unknown as { watched: Watched }).watched.remote.map(track => track.id))
    const videos = [...document.querySelectorAll('video')].filter(video => {
      const stream = video.srcObject instanceof MediaStream ? video.srcObject : undefined
      return stream?.getVideoTracks().some(track => tracks.has(track.id)) === true && video.videoWidth > 0
    })
    const video = videos.at(-1)
    if (video === undefined) return undefined
    const canvas = document.createElement('canvas')
    canvas.width = canvas.height = 16
    const drawing = canvas.getContext('2d')
    drawing?.drawImage(video, video.videoWidth / 2 - 8, video.videoHeight / 2 - 8, 16, 16, 0, 0, 16, 16)
    return [...(drawing?.getImageData(8, 8, 1, 1).data ?? [])]
  })
  if (pixel === undefined) return undefined
  const [red = 0, green = 0, blue = 0] = pixel
  if (red > 150 && green < 100 && blue < 100) return 'red'
  if (blue > 150 && red < 100 && green < 100) return 'blue'
  if (green > 150 && red < 100 && blue < 100) return 'green'
  return undefined
}

export interface PairSeen {
  readonly localType: string
  readonly localAddress: string
  readonly remoteType: string
  readonly remoteAddress: string
  readonly protocol: string
  readonly dtls: string
}

/** The selected pair of the newest open peer connection, by the browser's own statistics. */
export async function selectedPair(page: Page): Promise<PairSeen | undefined> {
  return page.evaluate(async () => {
    const scope = window as unknown as { watched: Watched }
    const connection = scope.watched.connections.filter(each => each.connectionState === 'connected').at(-1)
    if (connection === undefined) return undefined
    const report = new Map<string, Record<string, unknown>>()
    for (const [id, stats] of (await connection.getStats()) as unknown as Map<
      string,
      Record<string, unknown>
    >) {
      report.set(id, stats)
    }
    const transport = [...report.values()].find(stats => stats.type === 'transport')
    const pair = report.get(String(transport?.selectedCandidatePairId))
    const local = report.get(String(pair?.localCandidateId))
    const remote = report.get(String(pair?.remoteCandidateId))
    if (local === undefined || remote === undefined) return undefined
    return {
      localType: String(local.candidateType),
      localAddress: String(local.address ?? ''),
      remoteType: String(remote.candidateType),
      remoteAddress: String(remote.address ?? ''),
      protocol: String(local.protocol),
      dtls: String(transport?.dtlsState),
    }
  })
}

/** Waits until the page hears a tone within 25 Hz of `hertz`. */
export async function hears(page: Page, hertz: number, seconds = 20, rounds = 10): Promise<number> {
  let last: number | undefined
  return until(
    `a voice of ${hertz} Hz is heard`,
    async () => {
      last = await heardHertz(page, rounds)
      return last !== undefined && Math.abs(last - hertz) < 25 ? last : undefined
    },
    { seconds, everyMilliseconds: 20 },
  ).catch(error => {
    throw new Error(`${String(error)}; heard last: ${last}`)
  })
}

/** Waits until the page shows a remote picture of that colour. */
export async function sees(page: Page, colour: Colour, seconds = 20): Promise<void> {
  let last: Colour | undefined
  await until(
    `a ${colour} picture is seen`,
    async () => {
      last = await seenColour(page)
      return last === colour
    },
    { seconds },
  ).catch(error => {
    throw new Error(`${String(error)}; seen last: ${last}`)
  })
}

export interface Received {
  readonly packets: number
  readonly frames: number
  /** `totalAudioEnergy`: grows while there is something to hear. */
  readonly energy: number
}

/** What came in so far on the newest open peer connection, by the browser's own statistics. */
export async function received(page: Page): Promise<Received> {
  return page.evaluate(async () => {
    const scope = window as unknown as { watched: Watched }
    const newest = () => scope.watched.connections.findLast(each => each.connectionState !== 'closed')
    const late = () => new Promise<undefined>(resolve => setTimeout(resolve, 1_000))
    let stats: RTCStatsReport | undefined
    // Firefox does not answer for a connection that closes meanwhile.
    for (let connection = newest(); connection && stats === undefined; connection = newest())
      stats = await Promise.race([connection.getStats(), late()])
    const sum = { packets: 0, frames: 0, energy: 0 }
    for (const stat of stats?.values() ?? []) {
      if (stat.type !== 'inbound-rtp') continue
      sum.packets += Number(stat.packetsReceived ?? 0)
      sum.frames += Number(stat.framesDecoded ?? 0)
      sum.energy += Number(stat.totalAudioEnergy ?? 0)
    }
    return sum
  })
}

/** Sound that is no silence and pictures come in: for browsers whose audio graph wants a sound card to run. */
export async function mediaComesIn(page: Page, seconds = 20): Promise<void> {
  let now = await received(page)
  const before = now
  await until(
    'sound and pictures come in',
    async () => {
      now = await received(page)
      return now.packets > before.packets + 20 && now.frames > before.frames + 3 && now.energy > before.energy
    },
    { seconds, everyMilliseconds: 50 },
  ).catch(error => {
    throw new Error(`${String(error)}; ${JSON.stringify({ before, now })}`)
  })
}
