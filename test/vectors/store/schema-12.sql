pragma foreign_keys = off;
begin;
CREATE TABLE users (
    name text primary key,
    display_name text not null,
    role text not null check (role in ('owner', 'member')),
    password_hash text,
    do_not_disturb integer not null default 0,
    created_at real not null
  , stay_from real, stay_until real, seen_by_guests integer not null default 0, stay_left real, disabled integer not null default 0) strict;
insert into users values ('olivia-owner', 'Olivia Owner', 'owner', 'scrypt$32768$8$3$wMunzz4E1TYMLUUrO/x9dA==$sesGHvv9YOUzKJzAwifZHVY730EECfSVvcXqDPRiasM=', 0, 1795328474124.0, NULL, NULL, 1, NULL, 0);
insert into users values ('anna', 'anna', 'member', NULL, 0, 1795328476179.0, NULL, NULL, 0, NULL, 0);
insert into users values ('bob', 'bob', 'member', NULL, 0, 1795328476758.0, NULL, NULL, 0, NULL, 0);
insert into users values ('gina-guest', 'Gina Guest', 'member', NULL, 0, 1795328477418.0, 1795328477418.0, 1797920477418.0, 0, 2591990880.7196441, 0);
insert into users values ('carl', 'Carl Off', 'member', NULL, 0, 1795328477445.0, NULL, NULL, 0, NULL, 1);
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
insert into devices values ('ee0572f006fa265e41', 'olivia-owner', 'Browser', 'page', '39f82c616cab49e1cc21395f7f186381de55ffa1b290537417725dc99f9e3899', NULL, NULL, NULL, 1795328474124.0, NULL, NULL);
insert into devices values ('5b62b9b951db4170b8', 'anna', 'SIP phone', 'sip', NULL, 'anna', '5ebb55d0f68d1a0a25b458cfccbbd80c', '0b16c23d1045da3af409af38e590c34d369c19784e90c0f971c6572a7a4e5225', 1795328476179.0, NULL, 1795328477525.0);
insert into devices values ('ff077782493a1508ec', 'bob', 'SIP phone', 'sip', NULL, 'bob', '36c9fbf382e983895a7ff24eb96ae8f7', '5008422d9e77ec638a9539172075acc8758e27dfb70f9479c400a95eb6d12f4d', 1795328476758.0, NULL, 1795328477551.0);
insert into devices values ('9706c716b1f151be7f', 'anna', 'old page', 'page', '007384ad099555315bdbc5ee9ead565d7968e4060db4ed66f110311a1481fe8c', NULL, NULL, NULL, 1795328477182.0, NULL, 1795328477569.0);
insert into devices values ('b90c6e133cd02e31c9', 'bob', 'old page', 'page', 'e8275435729f5a7c40035d9c65563881e7aeb1071835fdc771bbee62c7d089ea', NULL, NULL, NULL, 1795328477386.0, NULL, 1795328477572.0);
insert into devices values ('895a4f54917061a8e8', 'gina-guest', 'old page', 'page', 'f600b110854fcefffa68ce0deff8ad94216bb423454ec82ab67937c14c84d62d', NULL, NULL, NULL, 1795328477418.0, NULL, NULL);
CREATE TABLE invites (
    id text primary key,
    token_hash text not null unique,
    user text references users (name) on delete cascade,
    created_at real not null,
    expires_at real not null
  , stay_seconds real, used_at real, stay_from_now integer not null default 0) strict;
insert into invites values ('2fcbe5623c19c28733', 'b9dc13a23506c2e800e019f25ecbce63d4df4371aba6456d7c1277d8d7e75270', 'anna', 1795328477148.0, 1795587677148.0, NULL, 1795328477182.0, 0);
insert into invites values ('1e38e654b6992582f4', '5db59dec834f11fa2216bba7b02804b1c919522d5c27464e6898350ccc591b0d', 'bob', 1795328477371.0, 1795587677371.0, NULL, 1795328477386.0, 0);
insert into invites values ('b5dcb7ee8470c8a654', '20375293b38ed3c5e523cf8989338da9f84418b986df47ed281a8a57b558de57', NULL, 1795328477401.0, 1795587677401.0, 2592000.0, 1795328477418.0, 0);
insert into invites values ('60fb06ef73d0d695b2', '759da9fa299377ec546d5bdd6b6330743852740ca9e9a398742f835a3aa16c54', 'bob', 1795328477434.0, 1795587677434.0, NULL, NULL, 0);
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
insert into bindings values ('-Bq7izlREGcemfsv', 'anna', '5b62b9b951db4170b8', 'sip:anna@127.0.0.1:39594', NULL, NULL, '[]', 1.0, 'old-anna', 2, '', 'udp', '127.0.0.1', 21102, '127.0.0.1', 39594, 4200.0, 1795328477526.0, '72768f1d-4b10-4d77-9706-6e8a276ce639', 13083.52);
insert into bindings values ('ycIsHzln8vBbs6kg', 'bob', 'ff077782493a1508ec', 'sip:bob@127.0.0.1:37441', NULL, NULL, '[]', 1.0, 'old-bob', 2, '', 'udp', '127.0.0.1', 21102, '127.0.0.1', 37441, 4200.0, 1795328477551.0, '72768f1d-4b10-4d77-9706-6e8a276ce639', 13083.54);
CREATE TABLE calls (
    seq integer primary key autoincrement,
    id text not null unique,
    caller_user text not null,
    callee_user text not null,
    started_at real not null,
    ended_at real,
    missed integer not null,
    row text not null
  , path text, grade text, mos real) strict;
insert into calls values (1, 'afba14759413216624e688045de112e7', 'anna', 'bob', 1795328477585.8184, 1795328478096.9905, 0, '{"id":"afba14759413216624e688045de112e7","callerUser":"anna","callerName":"anna","callerDevice":"9706c716b1f151be7f","calleeUser":"bob","calleeName":"bob","calleeDevice":"b90c6e133cd02e31c9","video":false,"startedAt":1795328477585.8184,"answeredAt":1795328477597.9912,"endedAt":1795328478096.9905,"endedBy":"callee","reason":"hangup","code":0,"missed":false,"missedSeen":false,"aliveAt":1795328477597.9912}', NULL, NULL, NULL);
CREATE TABLE settings (
    key text primary key,
    value text not null
  ) strict;
insert into settings values ('realm', 'lanline-e2e6ede190dd');
insert into settings values ('tokenKey', '7kh8nNU+AoUmbqztvO+oJV9rK8XpfAi91Jpn7OfV+eo=');
insert into settings values ('traceKey', 'uXzEYvfyxcJfEIVNwQFWZgIvplgd/3LymiwHPLOgy9A=');
insert into settings values ('hostname.configured', 'lanline');
insert into settings values ('hostname', 'lanline');
insert into settings values ('place', 'Old house');
insert into settings values ('policy.retainDays', '77');
CREATE TABLE grants (
    call text primary key,
    reason text not null check (reason in ('otherNetwork', 'checksFailed'))
  ) strict;
CREATE TABLE trace_summaries (
    call text primary key,
    summary text not null
  ) strict;
CREATE TABLE incidents (
    key text primary key,
    last_at real not null,
    incident text not null
  ) strict;
insert into incidents values (cast(x'6177617900616E6E6100393730366337313662316631353162653766000000' as text), 1795328479533.0, '{"kind":"away","user":"anna","device":"9706c716b1f151be7f","account":"","source":"","call":"","detail":"","at":1795328479533,"count":1,"lastAt":1795328479533}');
insert into incidents values (cast(x'6177617900626F6200623930633665313333636430326533316339000000' as text), 1795328479535.0, '{"kind":"away","user":"bob","device":"b90c6e133cd02e31c9","account":"","source":"","call":"","detail":"","at":1795328479535,"count":1,"lastAt":1795328479535}');
CREATE TABLE trace_segments (
    seq integer primary key,
    bytes integer not null,
    events any not null
  ) strict;
insert into trace_segments values (1, 1389, X'28B52FFD60F51D1D2B003A4BE00D2BF06C881E4818B87304854BEF8623D56806DE194FA4F0248E99D400F96901FC376E4081651C3803973E1F0DC700DD00DA000CEC9427D74005E4116105A84B455C35DB137EB3E7D125BC9EDEBC41F26000F1F0E85F91D6DBE5394EB4F87D2B9FBD5DA07B0F7AF3D7B8C635117C1EBD42744BCE6B79734C2F8FBEF3C5DACABCBDF9FFC4CE127BF37D5D8F6E6FDDF373A5DE1C571D350B080FA2EBD7FA33A5D29BBFAD96959647BF11F295D86F61BB38FD9DE5D61E7D4B8A8437B72C393D3AB5358237CF6FC9AF3DFACF7C5DEDCD45D7D4DEF9BA5A564DB0A5B7173D3F55B9AC577800207AF8DED3C7710C06F40E84A00717CF919EC87992AA641207032482B5060706587B685880702CB08660C1C15A94B896E52850454FBDE7558F825E342117497BCA6D2F8B123E52512A41904AD23DE4A20A3ED3A9E4434DE730285CC08A458607635972C14E79A22E752576CAD38494A21812E42AEA3126951A13B90510680A486BA54FD25AE9138B959B1D2849CDE72174148D240761F448D22D288B441A38C83D91564B5A6C6DE86F7D2904B20581FE9E927E7E1071D50358FC7DDD050CCD77FE023BE569E78BB30046F538D4891C949EF13CD5D3500A1912AC6825A17416914340390728128506655A9929010CC210A188B20632E26BBF8E0E07831EC8488A8EDBD68CF34F6CADA804A6939271227375313F6B434A11CF9D5D63BEC71C200C1C110544B24011799028200C114C62B7D24B362A091AB038EBB6B2F29AA155571A1E1820220C447CDD3C6948E61ADB4E79621ADA4E7972200FF618D3B80D8B9DF2E41C16297B62FF8145CAA6F2B381895DB77DFA60E8EFFC5A3B18889DF224412C6A9AA544BE0ECC0499C04E79C2542BECAD5BCE6A612C597C3C2161B6FDA7A0D66571DB9F3898FC3AE256F6C1587E56E6AD08B3E6CD22FD9D2FC657C44E798A40287848200A5853E000F160AD2101205C2ECEC1FC8FF373BCB25EFF7BCFE2E99D14B5EFDEF3F035B192A2E5E79FA018EE794EB3901CF72E4E5D6A827A4D24D1870D7C0C4B95D056FE4B4D14FD9577F48B47CFAF2FAF10BD7273E5AD72A7AD509A6FF1D0D1B958BC87A693A88720F738B1F569DE73796DC92AFA7D5A2DDE3C3AA6DA9B5397F2E8777BF3373D7AF57922B5FE8A377F3CB1BD5D1CE41CC779F49FD5F2D49B675BADB75652A665C9B968168F71DC4E79820AE71CC351E80B5FF6DE8B5856F084ABC2E0B9B3657EA6F675A4B5A2B5C47B0680B5A86129520891884820229A82348D015002119019AA620712A8A224495120C9518628A90811122218128C4820120C8928489B63907410A4E316B42DC5DE1F3860FEBE7FEE5A58DF634F2BDF6E7D6455FC009EAED828B72FAB3D0388B187FA6701E18E6FC6C735FAC75411ACAEB7B6579036A77FD5C98E1AB33F6AEEDC56461B7368B4D0A3292C542AA058031EB562B2324A16B536DEAD60FE4AEF5EC1506F82AF7D96228394659B2B1235953D1CD132D0B6E98BDB9C8D417D430A116FEB9DB0F743C4E4415255852C868C21E93169F7E9999D62C0E9B466F706E292EBE4B5A441EB112937D650BB0638A6A828E359C4A43ED90328BA80000BEA3CEE5C0BD0683C5308CFF123AC92570E5AB26657F16713E9C62E985B6819D483992F9C2AB71AE83837F3B08A6D27168B181FA03861ACD0A22F29CCAD5AA007B84EEFAAEFBA3CD44A9DE3C57C6319E3C528684C3F6F82F094EB8622EE9075B28053F1404CC4911C334453BC51AA3834948F7421FF9E0F45AEF18041A07CDEB61B32589E1991F13081F357EB16A597F9C09A5048D18743EC5E0299CE52BE71A05388985EEC405C85FCED6B96386FE057C057293DBED325A19B631C3132B5EB705964A765F0CEC34CD4B4CB06A2A05CDDA951FF11837F28E78828859D9E709472382E2DFEE5888624CF14D75401');
insert into trace_segments values (2, 1543, 'afba14759413216624e688045de112e7	[{"number":15,"atMilliseconds":1502.1,"source":"server","kind":"sip","direction":"out","party":"callee","transport":"udp","local":{"address":"127.0.0.1","port":21102},"remote":{"address":"127.0.0.1","port":37441},"name":"INVITE","cseq":"1 INVITE","text":"INVITE sip:bob@127.0.0.1:37441 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:21102;branch=z9hG4bK0734a2afdf2982dd.5f558e92074d45f8;rport\r\nRecord-Route: <sip:[redacted]@127.0.0.1:21102;lr>\r\nRecord-Route: <sip:[redacted]@hosted.invalid:5060;lr>\r\nVia: SIP/2.0/WSS hosted.invalid;branch=z9hG4bKd30a95722097db022e5cbab0\r\nFrom: \"anna\" <sip:anna@lanline.local>;tag=9dc81bf0698bbd2c\r\nTo: <sip:bob@lanline.local>\r\nCall-ID: f232d840cb5af4c52f706e0a9d269ddf\r\nCSeq: 1 INVITE\r\nContact: <sip:9706c716b1f151be7f@hosted.invalid>\r\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE, INFO, OPTIONS\r\nSupported: trickle-ice\r\nRecv-Info: trickle-ice\r\nUser-Agent: old/1\r\nContent-Type: application/sdp\r\nMax-Forwards: 69\r\nP-Asserted-Identity: \"anna\" <sip:anna@lanline.local>\r\nMax-Breadth: [redacted]\r\nContent-Length: 409\r\n\r\nv=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:[redacted]\r\na=fingerprint:sha-256 AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"}]
');
insert into trace_segments values (3, 1543, 'afba14759413216624e688045de112e7	[{"number":16,"atMilliseconds":3503.1,"source":"server","kind":"sip","direction":"out","party":"callee","transport":"udp","local":{"address":"127.0.0.1","port":21102},"remote":{"address":"127.0.0.1","port":37441},"name":"INVITE","cseq":"1 INVITE","text":"INVITE sip:bob@127.0.0.1:37441 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:21102;branch=z9hG4bK0734a2afdf2982dd.5f558e92074d45f8;rport\r\nRecord-Route: <sip:[redacted]@127.0.0.1:21102;lr>\r\nRecord-Route: <sip:[redacted]@hosted.invalid:5060;lr>\r\nVia: SIP/2.0/WSS hosted.invalid;branch=z9hG4bKd30a95722097db022e5cbab0\r\nFrom: \"anna\" <sip:anna@lanline.local>;tag=9dc81bf0698bbd2c\r\nTo: <sip:bob@lanline.local>\r\nCall-ID: f232d840cb5af4c52f706e0a9d269ddf\r\nCSeq: 1 INVITE\r\nContact: <sip:9706c716b1f151be7f@hosted.invalid>\r\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE, INFO, OPTIONS\r\nSupported: trickle-ice\r\nRecv-Info: trickle-ice\r\nUser-Agent: old/1\r\nContent-Type: application/sdp\r\nMax-Forwards: 69\r\nP-Asserted-Identity: \"anna\" <sip:anna@lanline.local>\r\nMax-Breadth: [redacted]\r\nContent-Length: 409\r\n\r\nv=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:[redacted]\r\na=fingerprint:sha-256 AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"}]
');
insert into trace_segments values (4, 1543, 'afba14759413216624e688045de112e7	[{"number":17,"atMilliseconds":7546.1,"source":"server","kind":"sip","direction":"out","party":"callee","transport":"udp","local":{"address":"127.0.0.1","port":21102},"remote":{"address":"127.0.0.1","port":37441},"name":"INVITE","cseq":"1 INVITE","text":"INVITE sip:bob@127.0.0.1:37441 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:21102;branch=z9hG4bK0734a2afdf2982dd.5f558e92074d45f8;rport\r\nRecord-Route: <sip:[redacted]@127.0.0.1:21102;lr>\r\nRecord-Route: <sip:[redacted]@hosted.invalid:5060;lr>\r\nVia: SIP/2.0/WSS hosted.invalid;branch=z9hG4bKd30a95722097db022e5cbab0\r\nFrom: \"anna\" <sip:anna@lanline.local>;tag=9dc81bf0698bbd2c\r\nTo: <sip:bob@lanline.local>\r\nCall-ID: f232d840cb5af4c52f706e0a9d269ddf\r\nCSeq: 1 INVITE\r\nContact: <sip:9706c716b1f151be7f@hosted.invalid>\r\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE, INFO, OPTIONS\r\nSupported: trickle-ice\r\nRecv-Info: trickle-ice\r\nUser-Agent: old/1\r\nContent-Type: application/sdp\r\nMax-Forwards: 69\r\nP-Asserted-Identity: \"anna\" <sip:anna@lanline.local>\r\nMax-Breadth: [redacted]\r\nContent-Length: 409\r\n\r\nv=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:[redacted]\r\na=fingerprint:sha-256 AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"}]
');
CREATE TABLE trace_places (
    call text not null,
    segment integer not null,
    primary key (call, segment)
  ) strict, without rowid;
insert into trace_places values ('afba14759413216624e688045de112e7', 1);
insert into trace_places values ('afba14759413216624e688045de112e7', 2);
insert into trace_places values ('afba14759413216624e688045de112e7', 3);
insert into trace_places values ('afba14759413216624e688045de112e7', 4);
CREATE INDEX devices_by_user on devices (user);
CREATE INDEX bindings_by_device on bindings (device);
CREATE INDEX calls_by_caller on calls (caller_user);
CREATE INDEX calls_by_callee on calls (callee_user);
CREATE INDEX calls_by_start on calls (started_at);
CREATE INDEX calls_open on calls (seq) where ended_at is null;
CREATE INDEX calls_filter on calls
    (seq, missed, path, grade, mos, started_at, ended_at, caller_user, callee_user);
CREATE INDEX trace_segment_sizes on trace_segments (bytes);
CREATE INDEX trace_places_by_segment on trace_places (segment);
pragma user_version = 12;
commit;
