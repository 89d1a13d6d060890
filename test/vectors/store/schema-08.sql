pragma foreign_keys = off;
begin;
CREATE TABLE users (
    name text primary key,
    display_name text not null,
    role text not null check (role in ('owner', 'member')),
    password_hash text,
    do_not_disturb integer not null default 0,
    created_at real not null
  , stay_from real, stay_until real, seen_by_guests integer not null default 0, stay_left real) strict;
insert into users values ('olivia-owner', 'Olivia Owner', 'owner', 'scrypt$32768$8$3$PxMBUzJZWZ7nkVdHnCvTnA==$biwRw0ypdo52d0R1uQvrYIHjgphz4+IbQtWJdOSBNHU=', 0, 1795328436913.0, NULL, NULL, 1, NULL);
insert into users values ('anna', 'anna', 'member', NULL, 0, 1795328438566.0, NULL, NULL, 0, NULL);
insert into users values ('bob', 'bob', 'member', NULL, 0, 1795328439609.0, NULL, NULL, 0, NULL);
insert into users values ('gina-guest', 'Gina Guest', 'member', NULL, 0, 1795328439974.0, 1795328439974.0, 1797920439974.0, 0, 2591528585.0);
CREATE TABLE devices (
    id text primary key,
    user text not null references users (name) on delete cascade,
    name text not null,
    kind text not null check (kind in ('page', 'app', 'sip')),
    token_hash text unique,
    digest_user text unique,
    ha1_md5 text,
    ha1_sha256 text,
    created_at real not null,
    expires_at real,
    last_seen_at real
  ) strict;
insert into devices values ('7d4525178e187ad6d8', 'olivia-owner', 'Browser', 'page', 'a5d54aa03df1f550f82f448351a31ebd47a80b00f3bc9118b7f5fda914568b13', NULL, NULL, NULL, 1795328436913.0, NULL, NULL);
insert into devices values ('55dd948249a71d98ef', 'anna', 'SIP phone', 'sip', NULL, 'anna', 'ffeab5644a3f3992cd4fbe0fa4110e98', '80f66ed907a222a0e5f7113ff3619e3c56bc1e647a957cdf929895f176fc1541', 1795328438567.0, NULL, 1795328440144.0);
insert into devices values ('b3d9f4af798d865aaa', 'bob', 'SIP phone', 'sip', NULL, 'bob', 'a28054c643ae9427a2f2a860a925e83d', '0bf724c255a0737fcffb9ec7f91e2e2e4d3863c557e6398fcfb6dca0c683bb9c', 1795328439613.0, NULL, 1795328440158.0);
insert into devices values ('ca8d5258c44206cb4f', 'anna', 'old page', 'page', 'a1b1274142f4911371b2cf1bca4372be7e2fe36862acb378852d2cd1a72386af', NULL, NULL, NULL, 1795328439893.0, NULL, 1795328440200.0);
insert into devices values ('71f5bd48191daf269e', 'bob', 'old page', 'page', '533b508d08cf43dbe495fb14368ef98b3dd1774a9e1f6ac00ba6606481c19d59', NULL, NULL, NULL, 1795328439943.0, NULL, 1795328440208.0);
insert into devices values ('9dd8efeaf21c000ffc', 'gina-guest', 'old page', 'page', '530cb23c44ddc600d606b75087ba0afce38b1da930ed47beceefe067ef0809d9', NULL, NULL, NULL, 1795328439975.0, NULL, NULL);
CREATE TABLE invites (
    id text primary key,
    token_hash text not null unique,
    user text references users (name) on delete cascade,
    created_at real not null,
    expires_at real not null
  , stay_seconds real, used_at real, stay_from_now integer not null default 0) strict;
insert into invites values ('5ac237fcefe901adf5', 'a80821b8667470fce7ec134a01682e3e01d378b5bed339654060c5e7aa7fe469', 'anna', 1795328439747.0, 1795587639747.0, NULL, 1795328439893.0, 0);
insert into invites values ('0e8384c1721a66fe97', 'b6eaea47f647216a341bbaa64e0293fedd7f58f00ed7daf803e3130463661a88', 'bob', 1795328439907.0, 1795587639907.0, NULL, 1795328439943.0, 0);
insert into invites values ('3f90d8fffb71f4000f', '9cf6b99121e38251e5905aaf83dda85c4bb2049c3ce15bc0195f82ad9a4dd616', NULL, 1795328439956.0, 1795587639956.0, 2592000.0, 1795328439974.0, 0);
insert into invites values ('fd365d801bff39bccd', '26f9f46c5bb2086b2aa028dbf1895149e3bece24e23b314aac258b6da836809a', 'bob', 1795328439991.0, 1795587639991.0, NULL, NULL, 0);
CREATE TABLE requests (
    id text primary key,
    display_name text not null,
    device_name text not null,
    kind text not null,
    secret_hash text not null,
    address text not null,
    state text not null check (state in ('waiting', 'allowed', 'denied')),
    user text references users (name) on delete cascade,
    device text references devices (id) on delete cascade,
    created_at real not null
  , page_hash text) strict;
CREATE TABLE bindings (
    key text primary key,
    user text not null references users (name) on delete cascade,
    device text not null references devices (id) on delete cascade,
    contact text not null,
    instance text,
    reg_id integer,
    path text not null,
    q real not null,
    call_id text not null,
    cseq integer not null,
    user_agent text not null,
    transport text not null,
    local_address text not null,
    local_port integer not null,
    remote_address text not null,
    remote_port integer not null,
    expires_seconds real not null,
    written_at real not null,
    written_boot text not null,
    written_uptime_seconds real not null
  ) strict;
insert into bindings values ('VpEOVdgO24LAFQqt', 'anna', '55dd948249a71d98ef', 'sip:anna@127.0.0.1:56873', NULL, NULL, '[]', 1.0, 'old-anna', 2, '', 'udp', '127.0.0.1', 21062, '127.0.0.1', 56873, 4200.0, 1795328440144.0, '72768f1d-4b10-4d77-9706-6e8a276ce639', 13046.14);
insert into bindings values ('r-yifCPms5UqS199', 'bob', 'b3d9f4af798d865aaa', 'sip:bob@127.0.0.1:38039', NULL, NULL, '[]', 1.0, 'old-bob', 2, '', 'udp', '127.0.0.1', 21062, '127.0.0.1', 38039, 4200.0, 1795328440158.0, '72768f1d-4b10-4d77-9706-6e8a276ce639', 13046.15);
CREATE TABLE calls (
    seq integer primary key autoincrement,
    id text not null unique,
    caller_user text not null,
    callee_user text not null,
    started_at real not null,
    ended_at real,
    missed integer not null,
    row text not null
  ) strict;
insert into calls values (1, '65bec2e3d2f85fa3342e430314a2c2b6', 'anna', 'bob', 1795328440220.8965, 1795328440740.9902, 0, '{"id":"65bec2e3d2f85fa3342e430314a2c2b6","callerUser":"anna","callerName":"anna","callerDevice":"ca8d5258c44206cb4f","calleeUser":"bob","calleeName":"bob","calleeDevice":"71f5bd48191daf269e","video":false,"startedAt":1795328440220.8965,"answeredAt":1795328440235.9917,"endedAt":1795328440740.9902,"endedBy":"callee","reason":"hangup","code":0,"missed":false,"missedSeen":false,"aliveAt":1795328440235.9917}');
insert into calls values (3, 'b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0', 'bob', 'anna', 1795328440000.0, 1795328490000.0, 0, '{"id":"b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0","callerUser":"bob","callerName":"bob","callerDevice":"x","calleeUser":"anna","calleeName":"anna","calleeDevice":"y","startedAt":1795328440000,"ringingAt":1795328440500,"answeredAt":1795328444000,"endedAt":1795328490000,"endedBy":"caller","reason":"hangup","code":200,"missed":false,"missedSeen":false,"video":true}');
insert into calls values (4, 'c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0', 'anna', 'bob', 1795328440000.0, 1795328490000.0, 1, '{"id":"c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0","callerUser":"anna","callerName":"bob","callerDevice":"x","calleeUser":"bob","calleeName":"anna","calleeDevice":"y","startedAt":1795328440000,"ringingAt":1795328440500,"endedAt":1795328490000,"endedBy":"server","reason":"noAnswer","code":408,"missed":true,"missedSeen":false,"video":true}');
CREATE TABLE settings (
    key text primary key,
    value text not null
  ) strict;
insert into settings values ('realm', 'lanline-101e37fe55f4');
insert into settings values ('tokenKey', 'DwH/CQ0PS9hj1etJWmmBWZYjmgb54Q2yxEdPUAmodk0=');
insert into settings values ('traceKey', 'LFOt/fFa62eODgsl6jPUSHlRvq13SFpQ4TWRpGQks5w=');
insert into settings values ('hostname.configured', 'lanline');
insert into settings values ('hostname', 'lanline');
insert into settings values ('place', 'Old house');
CREATE TABLE grants (
    call text primary key,
    reason text not null check (reason in ('otherNetwork', 'checksFailed'))
  ) strict;
CREATE TABLE trace_batches (
    seq integer primary key autoincrement,
    call text not null,
    bytes integer not null,
    events text not null
  ) strict;
insert into trace_batches values (1, '65bec2e3d2f85fa3342e430314a2c2b6', 7773, '[{"number":1,"atMilliseconds":0,"source":"server","kind":"call","what":"started"},{"number":2,"atMilliseconds":0,"source":"server","kind":"network","who":"lanline","addresses":[]},{"number":3,"atMilliseconds":0.8,"source":"server","kind":"sip","direction":"out","party":"callee","transport":"udp","local":{"address":"127.0.0.1","port":21062},"remote":{"address":"127.0.0.1","port":38039},"name":"INVITE","cseq":"1 INVITE","text":"INVITE sip:bob@127.0.0.1:38039 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:21062;branch=z9hG4bK521722fd0da006e9.caef6a84c968c96d;rport\r\nRecord-Route: <sip:[redacted]@127.0.0.1:21062;lr>\r\nRecord-Route: <sip:[redacted]@hosted.invalid:5060;lr>\r\nVia: SIP/2.0/WSS hosted.invalid;branch=z9hG4bK30de0fa3b86e6e9052471d38\r\nFrom: \"anna\" <sip:anna@lanline.local>;tag=1c5aeeaead9ba927\r\nTo: <sip:bob@lanline.local>\r\nCall-ID: 0bba7d489b63b43940f9128296306d96\r\nCSeq: 1 INVITE\r\nContact: <sip:ca8d5258c44206cb4f@hosted.invalid>\r\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE, INFO, OPTIONS\r\nSupported: trickle-ice\r\nRecv-Info: trickle-ice\r\nUser-Agent: old/1\r\nContent-Type: application/sdp\r\nMax-Forwards: 69\r\nMax-Breadth: [redacted]\r\nContent-Length: 409\r\n\r\nv=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:[redacted]\r\na=fingerprint:sha-256 AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"},{"number":4,"atMilliseconds":-9.6,"source":"caller","kind":"channel","direction":"in","party":"caller","device":"ca8d5258c44206cb4f","local":{"address":"127.0.0.1","port":21060},"remote":{"address":"127.0.0.1","port":49352},"type":"call","message":{"type":"call","ref":"c1","to":"bob","sdp":"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:[redacted]\r\na=fingerprint:sha-256 AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n","video":false}},{"number":5,"atMilliseconds":3.4,"source":"server","kind":"channel","direction":"out","party":"caller","device":"ca8d5258c44206cb4f","local":{"address":"127.0.0.1","port":21060},"remote":{"address":"127.0.0.1","port":49352},"type":"calling","message":{"type":"calling","ref":"c1","call":"65bec2e3d2f85fa3342e430314a2c2b6"}},{"number":6,"atMilliseconds":9.2,"source":"server","kind":"channel","direction":"out","party":"callee","device":"71f5bd48191daf269e","local":{"address":"127.0.0.1","port":21060},"remote":{"address":"127.0.0.1","port":49364},"type":"incoming","message":{"type":"incoming","call":"65bec2e3d2f85fa3342e430314a2c2b6","from":{"user":"anna","name":"anna"},"sdp":"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:[redacted]\r\na=fingerprint:sha-256 AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n","trickle":true,"video":false}},{"number":7,"atMilliseconds":12,"source":"callee","kind":"channel","direction":"in","party":"callee","device":"71f5bd48191daf269e","local":{"address":"127.0.0.1","port":21060},"remote":{"address":"127.0.0.1","port":49364},"type":"answer","message":{"type":"answer","call":"65bec2e3d2f85fa3342e430314a2c2b6","sdp":"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:[redacted]\r\na=fingerprint:sha-256 AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA\r\na=setup:active\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"}},{"number":8,"atMilliseconds":15.4,"source":"server","kind":"call","what":"answered","device":"71f5bd48191daf269e"},{"number":9,"atMilliseconds":16.7,"source":"server","kind":"channel","direction":"out","party":"caller","device":"ca8d5258c44206cb4f","local":{"address":"127.0.0.1","port":21060},"remote":{"address":"127.0.0.1","port":49352},"type":"answered","message":{"type":"answered","call":"65bec2e3d2f85fa3342e430314a2c2b6","sdp":"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:[redacted]\r\na=fingerprint:sha-256 AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA\r\na=setup:active\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n","trickle":true,"by":{"user":"bob","name":"bob"}}},{"number":10,"atMilliseconds":494.2,"source":"server","kind":"sip","direction":"out","party":"callee","transport":"udp","local":{"address":"127.0.0.1","port":21062},"remote":{"address":"127.0.0.1","port":38039},"name":"INVITE","cseq":"1 INVITE","text":"INVITE sip:bob@127.0.0.1:38039 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:21062;branch=z9hG4bK521722fd0da006e9.caef6a84c968c96d;rport\r\nRecord-Route: <sip:[redacted]@127.0.0.1:21062;lr>\r\nRecord-Route: <sip:[redacted]@hosted.invalid:5060;lr>\r\nVia: SIP/2.0/WSS hosted.invalid;branch=z9hG4bK30de0fa3b86e6e9052471d38\r\nFrom: \"anna\" <sip:anna@lanline.local>;tag=1c5aeeaead9ba927\r\nTo: <sip:bob@lanline.local>\r\nCall-ID: 0bba7d489b63b43940f9128296306d96\r\nCSeq: 1 INVITE\r\nContact: <sip:ca8d5258c44206cb4f@hosted.invalid>\r\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE, INFO, OPTIONS\r\nSupported: trickle-ice\r\nRecv-Info: trickle-ice\r\nUser-Agent: old/1\r\nContent-Type: application/sdp\r\nMax-Forwards: 69\r\nMax-Breadth: [redacted]\r\nContent-Length: 409\r\n\r\nv=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:[redacted]\r\na=fingerprint:sha-256 AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"},{"number":11,"atMilliseconds":513.1,"source":"callee","kind":"channel","direction":"in","party":"callee","device":"71f5bd48191daf269e","local":{"address":"127.0.0.1","port":21060},"remote":{"address":"127.0.0.1","port":49364},"type":"bye","message":{"type":"bye","call":"65bec2e3d2f85fa3342e430314a2c2b6","reason":"hangup"}},{"number":12,"atMilliseconds":520.6,"source":"server","kind":"call","what":"ended","by":"callee","code":0,"reason":"hangup"},{"number":13,"atMilliseconds":528.1,"source":"server","kind":"channel","direction":"out","party":"callee","device":"71f5bd48191daf269e","local":{"address":"127.0.0.1","port":21060},"remote":{"address":"127.0.0.1","port":49364},"type":"ended","message":{"type":"ended","call":"65bec2e3d2f85fa3342e430314a2c2b6","by":"self","reason":"hangup","code":0}},{"number":14,"atMilliseconds":528.8,"source":"server","kind":"channel","direction":"out","party":"caller","device":"ca8d5258c44206cb4f","local":{"address":"127.0.0.1","port":21060},"remote":{"address":"127.0.0.1","port":49352},"type":"ended","message":{"type":"ended","call":"65bec2e3d2f85fa3342e430314a2c2b6","by":"peer","reason":"hangup","code":200}}]');
insert into trace_batches values (2, '65bec2e3d2f85fa3342e430314a2c2b6', 1451, '[{"number":15,"atMilliseconds":1495.8,"source":"server","kind":"sip","direction":"out","party":"callee","transport":"udp","local":{"address":"127.0.0.1","port":21062},"remote":{"address":"127.0.0.1","port":38039},"name":"INVITE","cseq":"1 INVITE","text":"INVITE sip:bob@127.0.0.1:38039 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:21062;branch=z9hG4bK521722fd0da006e9.caef6a84c968c96d;rport\r\nRecord-Route: <sip:[redacted]@127.0.0.1:21062;lr>\r\nRecord-Route: <sip:[redacted]@hosted.invalid:5060;lr>\r\nVia: SIP/2.0/WSS hosted.invalid;branch=z9hG4bK30de0fa3b86e6e9052471d38\r\nFrom: \"anna\" <sip:anna@lanline.local>;tag=1c5aeeaead9ba927\r\nTo: <sip:bob@lanline.local>\r\nCall-ID: 0bba7d489b63b43940f9128296306d96\r\nCSeq: 1 INVITE\r\nContact: <sip:ca8d5258c44206cb4f@hosted.invalid>\r\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE, INFO, OPTIONS\r\nSupported: trickle-ice\r\nRecv-Info: trickle-ice\r\nUser-Agent: old/1\r\nContent-Type: application/sdp\r\nMax-Forwards: 69\r\nMax-Breadth: [redacted]\r\nContent-Length: 409\r\n\r\nv=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:[redacted]\r\na=fingerprint:sha-256 AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"}]');
insert into trace_batches values (3, '65bec2e3d2f85fa3342e430314a2c2b6', 1451, '[{"number":16,"atMilliseconds":3496.9,"source":"server","kind":"sip","direction":"out","party":"callee","transport":"udp","local":{"address":"127.0.0.1","port":21062},"remote":{"address":"127.0.0.1","port":38039},"name":"INVITE","cseq":"1 INVITE","text":"INVITE sip:bob@127.0.0.1:38039 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:21062;branch=z9hG4bK521722fd0da006e9.caef6a84c968c96d;rport\r\nRecord-Route: <sip:[redacted]@127.0.0.1:21062;lr>\r\nRecord-Route: <sip:[redacted]@hosted.invalid:5060;lr>\r\nVia: SIP/2.0/WSS hosted.invalid;branch=z9hG4bK30de0fa3b86e6e9052471d38\r\nFrom: \"anna\" <sip:anna@lanline.local>;tag=1c5aeeaead9ba927\r\nTo: <sip:bob@lanline.local>\r\nCall-ID: 0bba7d489b63b43940f9128296306d96\r\nCSeq: 1 INVITE\r\nContact: <sip:ca8d5258c44206cb4f@hosted.invalid>\r\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE, INFO, OPTIONS\r\nSupported: trickle-ice\r\nRecv-Info: trickle-ice\r\nUser-Agent: old/1\r\nContent-Type: application/sdp\r\nMax-Forwards: 69\r\nMax-Breadth: [redacted]\r\nContent-Length: 409\r\n\r\nv=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:[redacted]\r\na=fingerprint:sha-256 AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"}]');
insert into trace_batches values (4, 'b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0', 135, '[{"number":1,"atMilliseconds":0,"source":"server","kind":"restart"},{"number":2,"atMilliseconds":9,"source":"server","kind":"restart"}]');
CREATE TABLE trace_summaries (
    call text primary key,
    summary text not null
  ) strict;
insert into trace_summaries values ('b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0', '{"call":"b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0","events":2,"verdict":{"path":"relayed","grade":"bothEnds","reasons":[],"sentence":""},"mos":{"caller":4.1,"callee":2.5}}');
CREATE INDEX devices_by_user on devices (user);
CREATE INDEX bindings_by_device on bindings (device);
CREATE INDEX calls_by_caller on calls (caller_user);
CREATE INDEX calls_by_callee on calls (callee_user);
CREATE INDEX calls_by_start on calls (started_at);
CREATE INDEX calls_open on calls (seq) where ended_at is null;
CREATE INDEX trace_batches_by_call on trace_batches (call);
pragma user_version = 8;
commit;
