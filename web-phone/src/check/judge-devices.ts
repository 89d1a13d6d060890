/** What is said of microphone, camera and speaker. Pure. */
import type { MediaProblem } from '../../../client/media.ts'
import type { Facts, Finding, Permission } from './facts.ts'
import { failed, ok, unchecked, warning } from './finding.ts'

/** The loudest sample, of 1. A voice is far above, a quiet room below. */
export const heardPeak = 0.01

const deniedAdvice = (permission: Permission, what: string): string =>
  permission === 'prompt'
    ? `The browser’s question was closed: check again and choose Allow.`
    : `Allow the ${what} behind the symbol beside the address, or in the system’s settings, then check again.`

export function microphoneOf(facts: NonNullable<Facts['microphone']>): Finding {
  const id = 'microphone'
  if (facts.kind === 'refused') {
    const sentences: Partial<Record<MediaProblem, Finding>> = {
      noMicrophone: warning(
        id,
        'No microphone was found.',
        'You hear the others, and they hear a test tone. Plug one in to be heard.',
      ),
      microphoneBusy: failed(
        id,
        'Another program holds the microphone.',
        'Close the other program or call, then check again.',
      ),
      insecure: failed(id, 'The browser offers no microphone on this page.', 'Open the page over HTTPS.'),
    }
    return (
      sentences[facts.problem] ??
      failed(id, 'The browser may not use the microphone.', deniedAdvice(facts.permission, 'microphone'))
    )
  }
  const name = facts.name ? ` “${facts.name}”` : ''
  if (facts.peak === undefined)
    return unchecked(id, `The microphone${name} is open; how loud it is cannot be measured in this browser.`)
  if (facts.peak >= heardPeak) return ok(id, `The microphone${name} hears sound.`)
  if (facts.peak > 0) {
    return warning(
      id,
      `The microphone${name} is open but heard next to nothing.`,
      'Speak while the check runs. If you did, raise its level in the system’s settings or choose another one.',
    )
  }
  return warning(
    id,
    `The microphone${name} is open but gives nothing, not even noise.`,
    'It may be switched off on the headset, by a key, or in the system’s privacy settings.',
  )
}

export function cameraOf(facts: NonNullable<Facts['camera']>): Finding {
  const id = 'camera'
  if (facts.kind === 'refused') {
    if (facts.problem === 'noCamera' || facts.problem === 'insecure')
      return unchecked(id, 'There is no camera here: calls are sound only.')
    if (facts.problem === 'cameraBusy')
      return warning(id, 'Another program holds the camera.', 'Close the other program, then check again.')
    return warning(
      id,
      'The browser may not use the camera: calls are sound only.',
      deniedAdvice(facts.permission, 'camera'),
    )
  }
  const name = facts.name ? ` “${facts.name}”` : ''
  if (facts.picture === 'seen') return ok(id, `The camera${name} gives a picture.`)
  if (facts.picture === 'black')
    return warning(id, `The camera${name} gives a black picture.`, 'Open its cover, or make some light.')
  return warning(
    id,
    `The camera${name} is open but gives no picture.`,
    'Unplug it and plug it in again, or choose another one.',
  )
}

export function speaker(heard: Facts['speaker']): Finding {
  if (heard === 'heard') return ok('speaker', 'You heard the tone: the speaker works.')
  if (heard === 'notHeard') {
    return failed(
      'speaker',
      'You did not hear the tone.',
      'Turn up the volume, turn off silent mode, and see which speaker or headset the system uses.',
    )
  }
  return unchecked('speaker', 'Only you can tell whether the speaker works.')
}
