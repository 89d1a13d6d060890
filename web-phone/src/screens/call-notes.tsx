/** What a person should know while a call lasts: what is wrong, what the other one does, what became of it. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Call } from '../../../client/call.ts'
import type { Line } from '../line.ts'
import { type Loss, Plugs } from '../plugs.ts'
import { useIsUp } from '../read-out.ts'
import { texts } from '../texts.ts'
import { peerSendsPicture } from './call-pictures.tsx'
import { transferText } from './transfer.tsx'

/** How long it is said that the other side's picture is new. */
const newPictureMilliseconds = 10_000
/** Pages take a picture faster than anybody could read that it was offered. */
const offeredMilliseconds = 1_500

export function Notes({
  call,
  line,
  online,
}: {
  readonly call: Call
  readonly line: Line
  readonly online: boolean
}) {
  const { name } = call.party
  const losses = usePlugs(call)
  const isPictureNew = usePeerPictureIsNew(call)
  const isOffered = usePictureIsOffered(call)
  const isUp = useIsUp()
  // A camera that is not there is so at the call's beginning, and when somebody turns it on: told once.
  const notes = new Set([
    line.talk.notice,
    !online && texts.lineAway,
    call.relayRefusal && call.state !== 'connected' && texts.searching,
    call.muted && texts.youMuted,
    transferText(call),
    calledForText(call),
    ...line.talk.turnedAway.map(other => texts.calledMeanwhile(other.name, other.calledFor?.name)),
    ...losses.map(loss => texts.loss[loss](name)),
    ...call.problems.map(problem => texts.problem[problem]),
    isOffered && online && texts.pictureOffered(name),
    call.isPictureRefused && texts.pictureRefused(name),
    isPictureNew && !call.cameraOn && texts.pictureBegan(name),
    call.isHeld && texts.heldBy(name),
    ...peerTexts(call),
  ])
  const told = [...notes].filter(note => typeof note === 'string' && note !== '')
  return (
    // Around the list: an element has one role, and the list's is lost to who gives it another. What is new is read, not all.
    <div role="status" aria-live="polite" aria-atomic="false">
      <ul class="notes">
        {isUp && call.testSource && <li class="marked">{texts.testSource}</li>}
        {isUp && told.map(note => <li key={note}>{note}</li>)}
      </ul>
    </div>
  )
}

/** What the other side says of its microphone and camera; while it has us on hold nothing of them is awaited. */
function peerTexts({ isHeld, party: { name }, peerMedia }: Call): readonly string[] {
  if (peerMedia === undefined) return []
  const { muted, testSource, microphoneLost, cameraLost } = peerMedia
  return [
    ...(microphoneLost && !isHeld ? [texts.peerLost.microphone(name)] : []),
    ...(muted && !microphoneLost && !isHeld ? [texts.peerMuted(name)] : []),
    ...(cameraLost && !isHeld ? [texts.peerLost.camera(name)] : []),
    ...(testSource ? [texts.peerTestSource(name)] : []),
  ]
}

/** Whom it was for, where that is neither of the two who talk. */
function calledForText({ calledFor, direction, party }: Call): string {
  if (calledFor === undefined) return ''
  return texts[direction === 'outgoing' ? 'answeredFor' : 'calledThem'](party.name, calledFor.name)
}

/** What of microphone and camera was lost since the call began, as far as nothing took its place. */
function usePlugs(call: Call): readonly Loss[] {
  const [losses, setLosses] = useState<readonly Loss[]>([])
  useEffect(() => {
    const permission = new EventTarget()
    const plugs = new Plugs(call, {
      ...{ changed: setLosses, devices: navigator.mediaDevices as MediaDevices | undefined, permission },
      play: speaker =>
        void document
          .querySelector<HTMLVideoElement>('video.remote')
          ?.setSinkId?.(speaker)
          .catch(() => {}),
    })
    let isOver = false
    const query = navigator.permissions?.query({ name: 'microphone' as PermissionName })
    query
      ?.then(status => {
        status.onchange = () => isOver || permission.dispatchEvent(new Event('change'))
      })
      .catch(() => {})
    return () => {
      isOver = true
      plugs.stop()
    }
  }, [call])
  return losses
}

/** For a while after the other side's picture has come into a call that had none. */
function usePeerPictureIsNew(call: Call): boolean {
  const sends = peerSendsPicture(call)
  const taken = call.connectedAt !== undefined
  const before = useRef<boolean>(undefined)
  const [isNew, setNew] = useState(false)
  useEffect(() => {
    if (!taken) return
    const isBegun = before.current === false && sends
    before.current = sends
    setNew(isBegun)
    if (!isBegun) return
    const timer = setTimeout(() => setNew(false), newPictureMilliseconds)
    return () => clearTimeout(timer)
  }, [taken, sends])
  return isNew && sends
}

/** Our picture was offered a while ago and is neither taken nor refused: a phone may have to ask its person. */
function usePictureIsOffered(call: Call): boolean {
  const isOffered = call.cameraOn && call.connectedAt !== undefined && !call.picture.sends
  const [isLong, setLong] = useState(false)
  useEffect(() => {
    setLong(false)
    if (!isOffered) return
    const timer = setTimeout(() => setLong(true), offeredMilliseconds)
    return () => clearTimeout(timer)
  }, [isOffered])
  return isOffered && isLong
}
