/**
 * A page with two third-party SIP phones, JsSIP and SIP.js, as their users would set them up against `/sip`. Bundled
 * by `web-sip.ts` and steered by the test through `window.phones`.
 */
import JsSIP from 'jssip'
import {
  type Invitation,
  Inviter,
  Registerer,
  RegistererState,
  type Session,
  SessionState,
  UserAgent,
  Web,
} from 'sip.js'

export interface Account {
  readonly server: string
  readonly uri: string
  readonly user: string
  readonly password: string
}

/** What the test can do with either phone. `state` is one of: idle, calling, ringing, inCall. */
export interface WebSipPhone {
  register(): Promise<void>
  call(uri: string, video: boolean): Promise<void>
  /** Calls without an offer: the other side makes it. */
  callOfferless(uri: string): Promise<void>
  /** What a Replaces header says of the call (RFC 3891). */
  replaces(): string
  /** Calls in place of whom `replaces` names, as who is told to by a REFER. */
  callReplacing(uri: string, replaces: string): Promise<void>
  /** Hands the other party on to whom `uri` names, by REFER; an empty one: to whom it called last, by a call that takes that one's place. */
  refer(uri: string): Promise<void>
  /** A re-INVITE without an offer, as who takes a call off hold; resolves once it is answered. */
  askForOffer(): Promise<void>
  accept(video: boolean): Promise<void>
  /** Offers its picture within the call, by a re-INVITE. */
  addPicture(): Promise<void>
  /** From now on offers within the call are answered 488. */
  refuseOffers(): void
  /** Puts the other party on hold, or takes it back, by a re-INVITE; resolves once it is answered. */
  setHold(on: boolean): Promise<void>
  hangUp(): Promise<void>
  state(): string
  log(): readonly string[]
}

/** Real host addresses are offered only by a page that already holds the microphone. */
function ownMedia(): Promise<MediaStream> {
  return navigator.mediaDevices.getUserMedia({ audio: true, video: true })
}

function tracksOf(media: MediaStream, video: boolean): MediaStream {
  return new MediaStream(video ? media.getTracks() : media.getAudioTracks())
}

function show(connection: RTCPeerConnection): void {
  connection.addEventListener('track', event => {
    const element = document.createElement(event.track.kind === 'video' ? 'video' : 'audio')
    element.autoplay = true
    element.srcObject = new MediaStream([event.track])
    document.body.append(element)
  })
}

async function jssip(account: Account): Promise<WebSipPhone> {
  const media = await ownMedia()
  const lines: string[] = []
  const agent = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(account.server)],
    uri: account.uri,
    authorization_user: account.user,
    password: account.password,
    register: true,
  })
  // biome-ignore lint/suspicious/noExplicitAny: JsSIP's own types leave its sessions open.
  let session: any
  let state = 'idle'
  let isRefusing = false
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  agent.on('newRTCSession', (event: any) => {
    const { session: own } = event
    session = own
    state = event.originator === 'remote' ? 'ringing' : 'calling'
    lines.push(state)
    if (session.connection) show(session.connection)
    session.on('peerconnection', (made: { peerconnection: RTCPeerConnection }) => show(made.peerconnection))
    session.on('confirmed', () => {
      state = 'inCall'
    })
    session.on('refer', (asked: { accept(begin: undefined, how: object): void }) => {
      lines.push('refer')
      asked.accept(undefined, options(false))
    })
    const over = (how: string) => (ended: { cause: string; originator: string }) => {
      lines.push(`${how} ${ended.cause} by ${ended.originator}`)
      if (session === own) state = 'idle'
    }
    session.on('reinvite', (asked: { reject(how: { status_code: number }): void }) => {
      lines.push('reinvite')
      if (isRefusing) asked.reject({ status_code: 488 })
    })
    session.on('ended', over('ended'))
    session.on('failed', over('failed'))
  })
  const options = (video: boolean) => ({
    mediaStream: tracksOf(media, video),
    pcConfig: { iceServers: [] },
  })
  return {
    register: () =>
      new Promise((resolve, reject) => {
        agent.on('registered', () => resolve())
        agent.on('registrationFailed', (event: { cause?: string }) => reject(new Error(event.cause)))
        agent.start()
      }),
    call: async (uri, video) => {
      agent.call(uri, options(video))
    },
    callOfferless: async () => {
      throw new Error('JsSIP offers always')
    },
    askForOffer: async () => {
      throw new Error('JsSIP offers always')
    },
    replaces: () => {
      throw new Error('only SIP.js is asked')
    },
    callReplacing: async () => {
      throw new Error('only SIP.js is asked')
    },
    refer: async uri => session.refer(uri),
    accept: async video => session.answer(options(video)),
    addPicture: () =>
      new Promise((resolve, reject) => {
        const { connection } = session as { connection: RTCPeerConnection }
        connection.addTrack(media.getVideoTracks()[0]!, media)
        if (!session.renegotiate({}, resolve)) reject(new Error('not now'))
      }),
    refuseOffers: () => {
      isRefusing = true
    },
    setHold: on =>
      new Promise((resolve, reject) => {
        if (!(on ? session.hold({}, resolve) : session.unhold({}, resolve))) reject(new Error('not now'))
        // One that is refused JsSIP does not tell of.
        setTimeout(() => reject(new Error(`not answered: ${lines.join(', ')}`)), 10_000)
      }),
    hangUp: async () => session.terminate(),
    state: () => state,
    log: () => lines,
  }
}

async function sipjs(account: Account): Promise<WebSipPhone> {
  const media = await ownMedia()
  const lines: string[] = []
  let session: Session | undefined
  let before: Session | undefined
  const adopt = (next: Session): void => {
    before = session
    session = next
    next.stateChange.addListener(state => lines.push(state))
    next.delegate = {
      onSessionDescriptionHandler: handler => {
        const connection = (handler as Web.SessionDescriptionHandler).peerConnection
        if (connection !== undefined) show(connection)
      },
      onRefer: referral => {
        lines.push('refer')
        void referral.accept()
        const inviter = referral.makeInviter(options(false))
        adopt(inviter)
        void inviter.invite()
      },
    }
  }
  const agent = new UserAgent({
    uri: UserAgent.makeURI(account.uri)!,
    transportOptions: { server: account.server },
    authorizationUsername: account.user,
    authorizationPassword: account.password,
    sessionDescriptionHandlerFactory: Web.defaultSessionDescriptionHandlerFactory(async ({ video }) =>
      tracksOf(media.clone(), Boolean(video)),
    ),
    sessionDescriptionHandlerFactoryOptions: {
      iceGatheringTimeout: 1_000,
      peerConnectionConfiguration: { iceServers: [] },
    },
    logLevel: 'warn',
    delegate: { onInvite: (invitation: Invitation) => adopt(invitation) },
  })
  const options = (video: boolean) => ({
    sessionDescriptionHandlerOptions: { constraints: { audio: true, video } },
  })
  return {
    register: async () => {
      await agent.start()
      const registerer = new Registerer(agent)
      await new Promise<void>((resolve, reject) => {
        registerer.stateChange.addListener(state => {
          if (state === RegistererState.Registered) resolve()
        })
        void registerer.register({
          requestDelegate: {
            onReject: response =>
              reject(new Error(`${response.message.statusCode} ${response.message.reasonPhrase}`)),
          },
        })
      })
    },
    call: async (uri, video) => {
      const inviter = new Inviter(agent, UserAgent.makeURI(uri)!, options(video))
      adopt(inviter)
      await inviter.invite()
    },
    callOfferless: async uri => {
      const inviter = new Inviter(agent, UserAgent.makeURI(uri)!, {
        ...options(false),
        inviteWithoutSdp: true,
      })
      adopt(inviter)
      await inviter.invite()
    },
    replaces: () => {
      // Its type leaves out what every dialog has.
      const dialog = session!.dialog as unknown as Record<'localTag' | 'remoteTag' | 'callId', string>
      const { localTag, remoteTag, callId } = dialog
      return `${callId};from-tag=${localTag};to-tag=${remoteTag}`
    },
    callReplacing: async (uri, replaces) => {
      const inviter = new Inviter(agent, UserAgent.makeURI(uri)!, {
        ...options(false),
        extraHeaders: [`Replaces: ${replaces}`],
      })
      adopt(inviter)
      await inviter.invite()
    },
    refer: async uri => {
      const onNotify = ({ request, accept }: { request: { body: string }; accept(): Promise<void> }) => {
        lines.push(request.body.trim())
        void accept()
      }
      if (uri === '') await before!.refer(session!, { onNotify: onNotify as never })
      else await session!.refer(UserAgent.makeURI(uri)!, { onNotify: onNotify as never })
    },
    askForOffer: () =>
      new Promise((resolve, reject) => {
        void session!.invite({
          ...options(false),
          withoutSdp: true,
          requestDelegate: {
            onAccept: () => resolve(),
            onReject: ({ message }) => reject(new Error(String(message.statusCode))),
          },
        })
      }),
    accept: async video => {
      await (session as Invitation).accept(options(video))
    },
    addPicture: () =>
      new Promise((resolve, reject) => {
        void session!.invite({
          ...options(true),
          requestDelegate: {
            onAccept: () => resolve(),
            onReject: ({ message }) => reject(new Error(String(message.statusCode))),
          },
        })
      }),
    refuseOffers: () => {
      throw new Error('SIP.js answers offers within a call by itself')
    },
    setHold: async () => {
      throw new Error('only JsSIP is asked')
    },
    hangUp: async () => {
      if (session?.state === SessionState.Established) await session.bye()
      else await (session as Inviter).cancel()
    },
    state: () => {
      if (session === undefined || session.state === SessionState.Terminated) return 'idle'
      if (session.state === SessionState.Established) return 'inCall'
      return session instanceof Inviter ? 'calling' : 'ringing'
    },
    log: () => lines,
  }
}

Object.assign(window, { makers: { jssip, sipjs } })
