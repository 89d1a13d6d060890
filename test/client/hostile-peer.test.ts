/** What the other party's program may pour in by the data channel, or do at the worst moment. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { browserMedia, type OpenMedia } from '../../client/media.ts'
import { FakeChannel, fakePhone, settle } from './fakes.ts'

const call = '0123456789abcdef0123456789abcdef'
const bob = { user: 'bob', name: 'Bob' }
const offer =
  'v=0\r\na=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n'

/** A call that was taken, with the other party's channel open. */
async function talking(media?: OpenMedia) {
  const parts = fakePhone(media)
  await parts.online()
  parts.socket().say({ type: 'incoming', call, from: bob, sdp: offer, trickle: true, video: true })
  const own = parts.phone.calls[0]!
  await own.answer({ video: false })
  parts.peer().become('connected')
  const channel = new FakeChannel('lanline')
  parts.peer().ondatachannel!({ channel })
  channel.open()
  return { ...parts, own, channel }
}

describe('the other party’s program', () => {
  it('is listened to 300 words at once and 50 a second, however many it says', async () => {
    const { clock, own, channel } = await talking()
    let changes = 0
    own.on('changed', () => changes++)
    const say = (words: number): void => {
      for (let word = 0; word < words; word++) channel.hear({ type: 'media', muted: word % 2 === 0 })
    }
    say(5_000)
    expect(changes).toBe(300)
    await clock.pass(1_000)
    changes = 0
    say(5_000)
    expect(changes).toBe(50)
    expect(own.state).toBe('connected')
  })

  it('says that its microphone is lost, and is told of ours, each change once', async () => {
    const { own, channel } = await talking()
    channel.hear({ type: 'media', muted: false, microphoneLost: true, cameraLost: 'yes' })
    expect(own.peerMedia).toMatchObject({ microphoneLost: true })
    expect(own.peerMedia).not.toHaveProperty('cameraLost')
    channel.hear({ type: 'media', muted: false })
    expect(own.peerMedia).not.toHaveProperty('microphoneLost')
    const told = channel.sent.length
    for (const microphone of [true, true, false, false]) own.setLost({ microphone, camera: false })
    expect(channel.sent.slice(told).map(({ microphoneLost }) => microphoneLost)).toEqual([true, undefined])
    // Not sent where there is nothing to say: a page that does not know the word is told what it was before.
    expect(channel.sent.at(-1)).not.toHaveProperty('cameraLost')
  })

  it('has two of its offers answered at a time, and the next when they are', async () => {
    const { channel } = await talking()
    const version = (number: number) => `v=0\r\no=- 77 ${number} IN IP4 127.0.0.1\r\n`
    const answers = (): number => channel.sent.filter(word => word.type === 'answer').length
    for (let number = 1; number <= 100; number++)
      channel.hear({ type: 'offer', sdp: version(number), number })
    await settle()
    await settle()
    expect(answers()).toBe(2)
    channel.hear({ type: 'offer', sdp: version(101), number: 101 })
    await settle()
    expect(answers()).toBe(3)
  })

  it('has 128 candidates of one description checked, told by the channel or by the appliance', async () => {
    const { socket, peer, channel } = await talking()
    const candidate = (port: number) => ({
      candidate: `candidate:1 1 udp 1 192.168.1.1 ${port} typ host`,
      sdpMid: '0',
    })
    for (let port = 1; port <= 100; port++) {
      channel.hear({ type: 'candidate', candidate: candidate(port) })
      socket().say({ type: 'candidate', call, candidate: candidate(10_000 + port) })
    }
    for (let turn = 0; turn < 100; turn++) await settle()
    expect(peer().candidates).toHaveLength(128)
    socket().say({ type: 'offer', call, sdp: 'v=0\r\no=- 77 2 IN IP4 127.0.0.1\r\n' })
    socket().say({ type: 'candidate', call, candidate: candidate(20_000) })
    for (let turn = 0; turn < 10; turn++) await settle()
    expect(peer().candidates).toHaveLength(129)
  })

  it('gets no answer that is larger than the appliance takes, which would cut the line', async () => {
    const { socket, peer, own } = await talking()
    const answer = peer().createAnswer
    peer().createAnswer = async () => ({ type: 'answer', sdp: 'v=0\r\n'.padEnd(130_000, 'm') })
    socket().say({ type: 'offer', call, sdp: 'v=0 three hundred sections' })
    await settle()
    const answers = socket().ofType('answer').length
    peer().createAnswer = answer
    socket().say({ type: 'offer', call, sdp: 'v=0 one section' })
    await settle()
    const sizes = socket()
      .ofType('answer')
      .map(({ sdp }) => sdp.length)
    expect([answers, sizes.length]).toEqual([1, 2])
    expect(Math.max(...sizes)).toBeLessThanOrEqual(32_768)
    expect(own.state).toBe('connected')
  })

  it('has one channel: what it says on others is not heard', async () => {
    const { peer, own } = await talking()
    const second = new FakeChannel('lanline')
    peer().ondatachannel!({ channel: second })
    expect(second.onmessage).toBe(null)
    expect(own.state).toBe('connected')
  })
})

describe('a call that the other party ends', () => {
  afterEach(() => vi.unstubAllGlobals())

  class Stream {
    readonly tracks: { readonly kind: string }[]
    constructor(tracks: readonly { readonly kind: string }[] = []) {
      this.tracks = [...tracks]
    }
    addTrack = (track: { readonly kind: string }) => void this.tracks.push(track)
    getTracks = () => this.tracks
    getAudioTracks = () => this.tracks.filter(({ kind }) => kind === 'audio')
    getVideoTracks = () => this.tracks.filter(({ kind }) => kind === 'video')
  }

  /** A browser in which a person takes a moment to allow a device. */
  function slowBrowser() {
    const tracks: { kind: string; readyState: string; enabled: boolean; stop(): void }[] = []
    const asked: (() => void)[] = []
    let isDismissed = false
    const getUserMedia = async (wanted: MediaStreamConstraints): Promise<unknown> => {
      await new Promise<void>(allow => asked.push(allow))
      if (isDismissed && wanted.audio && wanted.video) throw new DOMException('', 'NotAllowedError')
      const kinds = ['audio', 'video'].filter(kind => wanted[kind as 'audio' | 'video'])
      const own = kinds.map(kind => {
        const track = {
          kind,
          readyState: 'live',
          enabled: true,
          stop() {
            track.readyState = 'ended'
          },
        }
        tracks.push(track)
        return track
      })
      return new Stream(own)
    }
    vi.stubGlobal('MediaStream', Stream)
    vi.stubGlobal('navigator', { mediaDevices: { getUserMedia }, userAgent: '' })
    const open = browserMedia(() => ({ microphone: '', camera: '' }))
    const dismissBoth = () => {
      isDismissed = true
    }
    return {
      open,
      dismissBoth,
      allow: () => asked.shift()!(),
      live: () => tracks.filter(one => one.readyState === 'live'),
    }
  }

  async function inBrowser() {
    const { open, allow, live } = slowBrowser()
    const taking = talking(wanted => {
      const media = open(wanted)
      allow()
      return media
    })
    return { ...(await taking), allow, live }
  }

  it.each([
    ['camera', 'setCamera', true],
    ['microphone', 'useMicrophone', 'other'],
  ] as const)('while a %s is being opened leaves none on', async (_, method, argument) => {
    const { own, channel, allow, live } = await inBrowser()
    expect(live()).toHaveLength(1)
    const opened = own[method](argument as never)
    channel.hear({ type: 'bye', reason: 'hangup' })
    expect(own.state).toBe('ended')
    allow()
    await opened
    expect(live()).toEqual([])
  })

  it('while the person is asked for the camera leaves no microphone on', async () => {
    const { open, dismissBoth, allow, live } = slowBrowser()
    const { socket, phone, online } = fakePhone(open)
    await online()
    socket().say({ type: 'incoming', call, from: bob, sdp: offer, trickle: true, video: true })
    const [own] = phone.calls
    void own!.answer({ video: true })
    dismissBoth()
    // Both at once, which is dismissed; then the microphone.
    for (let one = 0; one < 2; one++) {
      allow()
      await settle()
    }
    expect(live()).toHaveLength(1)
    socket().say({ type: 'ended', call, by: 'peer', reason: 'cancelled', code: 0 })
    expect(live()).toEqual([])
    allow()
    await settle()
    expect(live()).toEqual([])
  })

  it('keeps one camera only where two were asked for, and none that was turned off meanwhile', async () => {
    const { own, allow, live } = await inBrowser()
    const cameras = () => live().filter(({ kind }) => kind === 'video')
    const both = [own.setCamera(true), own.setCamera(true)]
    allow()
    allow()
    await Promise.all(both)
    expect(cameras()).toEqual([own.localVideo])
    const again = own.setCamera(true, 'other')
    await own.setCamera(false)
    allow()
    await again
    expect(cameras()).toEqual([])
    expect(own.cameraOn).toBe(false)
  })
})
