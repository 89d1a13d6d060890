/** Sound and picture of the two who talk. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Call } from '../../../client/call.ts'
import { MediaError } from '../../../client/media.ts'
import { chooseDevice, chosenDevices, type DeviceList, listDevices, otherCamera } from '../devices.ts'
import { fills } from '../fit.ts'
import type { Line } from '../line.ts'
import { Icon } from '../parts/icon.tsx'
import { texts } from '../texts.ts'

/** By the word of the other side's client; a phone that says none by what was agreed on. */
export const peerSendsPicture = (call: Call): boolean => call.peerMedia?.camera ?? call.picture.receives

/** Sound and picture of the other side. One element for both, so that they stay in step. */
export function RemoteMedia({
  call,
  shown,
  onPicture,
}: {
  readonly call: Call
  readonly shown: boolean
  readonly onPicture: (has: boolean) => void
}) {
  const video = useRef<HTMLVideoElement>(null)
  const stream = call.remoteStream
  useEffect(() => {
    const element = video.current
    if (element === null || stream === undefined) return
    element.srcObject = stream
    const { speaker } = chosenDevices()
    if (speaker) void element.setSinkId?.(speaker).catch(() => {})
    element.play().catch(() => {})
  }, [stream])
  const [full, setFull] = useState(false)
  const look = () => {
    const { videoWidth: width, videoHeight: height } = video.current!
    onPicture(width > 0)
    setFull(fills({ width, height }, { width: innerWidth, height: innerHeight }))
  }
  useLayoutEffect(() => {
    addEventListener('resize', look)
    return () => removeEventListener('resize', look)
  }, [])
  return (
    // biome-ignore lint/a11y/useMediaCaption: a live conversation has no captions
    <video
      ref={video}
      class={`remote ${full ? 'full' : ''} ${shown ? '' : 'unseen'}`}
      aria-label={texts.remoteView(call.party.name)}
      autoplay
      playsinline
      onLoadedMetadata={look}
      onResize={look}
      onEmptied={() => onPicture(false)}
    />
  )
}

/** One's own picture, while the camera is on. */
export function SelfView({ call, line }: { readonly call: Call; readonly line: Line }) {
  const video = useRef<HTMLVideoElement>(null)
  const [cameras, setCameras] = useState<DeviceList['camera']>([])
  const track = call.localVideo
  useEffect(() => {
    if (video.current) video.current.srcObject = track ? new MediaStream([track]) : null
    void listDevices().then(list => setCameras(list.camera))
  }, [track])
  if (!track) return null
  const { deviceId = '', facingMode } = track.getSettings()
  const other = otherCamera(cameras, deviceId)
  const turn = () => {
    chooseDevice('camera', other!)
    call.setCamera(true, other).catch((error: unknown) => {
      if (error instanceof MediaError) line.talk.say(texts.problem[error.problem])
    })
  }
  return (
    <div class="self">
      <video
        ref={video}
        // A mirror is for one's own face; what lies in front of the other camera is to be read.
        class={facingMode === 'environment' ? '' : 'mirror'}
        aria-label={texts.selfView}
        autoplay
        playsinline
        muted
      />
      {other !== undefined && (
        <button type="button" aria-label={texts.otherCamera} title={texts.otherCamera} onClick={turn}>
          <Icon name="turn" />
        </button>
      )}
    </div>
  )
}
