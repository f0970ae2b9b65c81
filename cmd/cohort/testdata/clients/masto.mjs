// A session of the library masto: signs in as a program would, with PKCE and an
// address of its own to return to, and uses what people use, looking at what
// each answer says.
//
// It talks to the test in lines of JSON on standard output: {"authorize": URL}
// asks a person for leave, and the address they are sent back to comes as one
// line on standard input; {"calls": [...]} lists the different calls at the end.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { createInterface } from 'node:readline';
import { createOAuthAPIClient, createRestAPIClient, createStreamingAPIClient } from 'masto';

const url = process.env.COHORT_URL, remote = process.env.COHORT_REMOTE;
const say = (line) => console.log(JSON.stringify(line));
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const calls = new Set();

// counted passes on every call of a client and remembers its name; what was
// chosen by $select is one call whatever its id.
function counted(target, path = '') {
  return new Proxy(() => {}, {
    get(_, name) {
      if (typeof name === 'symbol' || name === 'then') return undefined;
      if (name === '$select') return (id) => counted(target.$select(id), `${path}.$select`);
      return counted(target[name], `${path}.${name}`);
    },
    apply(_, __, given) {
      calls.add(path.slice(1));
      return target(...given);
    },
  });
}

const rest = (accessToken) => counted(createRestAPIClient({ url, accessToken }));
const ids = (list) => list.map((item) => item.id);
const accts = (list) => list.map((account) => account.acct);

async function refused(promise, ...statuses) {
  await assert.rejects(async () => await promise, (err) => {
    assert.ok(statuses.includes(err.statusCode), `refused with ${err.statusCode}: ${err.message}`);
    return true;
  });
}

async function signIn() {
  const anyone = counted(createRestAPIClient({ url }));
  const back = 'http://127.0.0.1:9/back?keep=1', scopes = 'read write follow push';
  const app = await anyone.v1.apps.create({ clientName: 'Masto for tests', redirectUris: back, scopes });
  const verifier = randomBytes(32).toString('base64url');
  const asked = new URL('/oauth/authorize', url);
  asked.search = new URLSearchParams({
    client_id: app.clientId, redirect_uri: back, response_type: 'code', scope: scopes, state: 'a b&c',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
  });
  say({ authorize: asked.href });
  const returned = new URL((await answers.next()).value);
  assert.equal(returned.searchParams.get('keep'), '1');
  assert.equal(returned.searchParams.get('state'), 'a b&c');
  const grant = { grantType: 'authorization_code', clientId: app.clientId, clientSecret: app.clientSecret, redirectUri: back, scope: scopes, code: returned.searchParams.get('code') };
  const oauth = counted(createOAuthAPIClient({ url }));
  const token = await oauth.token.create({ ...grant, codeVerifier: verifier });
  assert.equal(token.tokenType, 'Bearer');
  assert.equal(token.scope, scopes);
  assert.ok(Number.isInteger(token.createdAt));
  return { app, oauth, token: token.accessToken };
}

async function place(me) {
  const two = await me.v2.instance.fetch();
  assert.equal(two.title, "Otters' School");
  assert.equal(two.domain, new URL(url).host);
  assert.match(two.version, /^\d+\.\d+\.\d+ \(compatible; Cohort /);
  assert.ok(two.configuration.statuses.maxCharacters >= 500);
  assert.equal(two.registrations.enabled, true);
  assert.ok(two.apiVersions.mastodon >= 1);
  const one = await me.v1.instance.fetch();
  assert.equal(one.uri, two.domain);
  assert.deepEqual(await me.v1.instance.rules.list(), []);
  assert.deepEqual(await me.v1.customEmojis.list(), []);
  assert.deepEqual(await me.v1.announcements.list(), []);
  assert.deepEqual(await me.v1.lists.list(), []);
  assert.deepEqual(await me.v2.filters.list(), []);
  assert.deepEqual(await me.v1.trends.tags.list(), []);
  assert.deepEqual(await me.v1.conversations.list(), []);
  assert.equal((await me.v1.preferences.fetch())['posting:default:visibility'], 'public');
  return two.configuration.urls.streaming;
}

async function profile(me) {
  const avatar = await openAsBlob(process.env.COHORT_PICTURE, { type: 'image/png' });
  const changed = await me.v1.accounts.updateCredentials({
    displayName: 'Mía 水獭', note: 'Dives.\nDeep.', avatar, fieldsAttributes: [{ name: 'Home', value: 'the sea' }, { name: 'Site', value: 'https://otter.example/' }],
    source: { privacy: 'public', sensitive: false, language: 'en' },
  });
  assert.equal(changed.displayName, 'Mía 水獭');
  assert.deepEqual(changed.fields.map((f) => f.name), ['Home', 'Site']);
  assert.match(changed.fields[1].value, /<a [^>]*href="https:\/\/otter\.example\/"/);
  const mine = await me.v1.accounts.verifyCredentials();
  assert.equal(mine.acct, 'mia');
  assert.equal(mine.source.note, 'Dives.\nDeep.');
  assert.equal(mine.source.language, 'en');
  assert.match(mine.avatar, /^http.*\/media\//);
  assert.equal((await fetch(mine.avatar)).status, 200);
  assert.equal((await me.v1.accounts.$select(mine.id).fetch()).url, mine.url);
  assert.equal((await me.v1.accounts.lookup({ acct: 'mia' })).id, mine.id);
  return mine;
}

async function posts(me, other) {
  const file = await openAsBlob(process.env.COHORT_PICTURE, { type: 'image/png' });
  const media = await me.v2.media.create({ file, description: 'Two otters', focus: '-0.5,0.25' });
  assert.equal(media.type, 'image');
  assert.equal(media.description, 'Two otters');
  assert.deepEqual(media.meta.focus, { x: -0.5, y: 0.25 });
  assert.equal(media.meta.original.width, 640);
  assert.ok(media.url && media.previewUrl && media.blurhash);
  assert.equal((await me.v1.media.$select(media.id).update({ description: 'Two wet otters' })).description, 'Two wet otters');

  const post = await me.v1.statuses.create({ status: 'Good morning @nils https://otter.example/a?b=1&c=2 #Sea', mediaIds: [media.id], visibility: 'public', language: 'en' }, { requestInit: { headers: { 'Idempotency-Key': 'k1' } } });
  assert.equal(post.mediaAttachments[0].description, 'Two wet otters');
  assert.deepEqual(post.tags.map((t) => t.name.toLowerCase()), ['sea']);
  assert.deepEqual(accts(post.mentions), ['nils']);
  assert.match(post.content, /href="https:\/\/otter\.example\/a\?b=1&amp;c=2"/);
  assert.equal(post.application?.name, 'Masto for tests');
  for (const key of ['editedAt', 'inReplyToId', 'reblog', 'poll', 'card']) assert.equal(post[key], null, key);
  const twice = await Promise.all([1, 2, 3].map(() => me.v1.statuses.create({ status: 'Once only' }, { requestInit: { headers: { 'Idempotency-Key': 'k2' } } })));
  assert.equal(new Set(ids(twice)).size, 1);
  assert.equal((await me.v1.statuses.$select(post.id).fetch()).uri, post.uri);

  const reply = await other.v1.statuses.create({ status: '@mia Morning!', inReplyToId: post.id });
  const second = await me.v1.statuses.create({ status: '@nils How is the water?', inReplyToId: reply.id });
  const context = await me.v1.statuses.$select(reply.id).context.fetch();
  assert.deepEqual(ids(context.ancestors), [post.id]);
  assert.deepEqual(ids(context.descendants), [second.id]);

  const secret = await me.v1.statuses.create({ status: 'Only followers', visibility: 'private' });
  await refused(other.v1.statuses.$select(secret.id).fetch(), 404);
  await refused(me.v1.statuses.create({ status: '' }), 422);
  await refused(me.v1.statuses.create({ status: 'x'.repeat(20000) }), 422);

  const edited = await me.v1.statuses.$select(post.id).update({ status: 'Good evening #Sea', mediaIds: [media.id], mediaAttributes: [{ id: media.id, description: 'Dry otters' }] });
  assert.ok(edited.editedAt);
  assert.equal(edited.mediaAttachments[0].description, 'Dry otters');
  assert.equal((await me.v1.statuses.$select(post.id).source.fetch()).text, 'Good evening #Sea');
  const history = await me.v1.statuses.$select(post.id).history.list();
  assert.equal(history.length, 2);
  assert.match(history[0].content, /Good morning/);
  await refused(other.v1.statuses.$select(post.id).update({ status: 'Mine now' }), 403, 404);
  const removed = await me.v1.statuses.$select(second.id).remove();
  assert.equal(removed.text, '@nils How is the water?');
  await refused(me.v1.statuses.$select(second.id).fetch(), 404);
  return { post, reply };
}

async function reactions(me, other, mine, { post, reply }) {
  const theirs = me.v1.statuses.$select(reply.id), own = me.v1.statuses.$select(post.id);
  assert.equal((await theirs.favourite()).favourited, true);
  assert.deepEqual(ids(await me.v1.favourites.list()), [reply.id]);
  assert.deepEqual(accts(await me.v1.statuses.$select(reply.id).favouritedBy.list()), ['mia']);
  assert.equal((await theirs.unfavourite()).favouritesCount, 0);
  assert.equal((await theirs.bookmark()).bookmarked, true);
  assert.deepEqual(ids(await me.v1.bookmarks.list()), [reply.id]);
  assert.equal((await theirs.unbookmark()).bookmarked, false);
  const boost = await other.v1.statuses.$select(post.id).reblog({});
  assert.notEqual(boost.id, post.id);
  assert.equal(boost.reblog.id, post.id);
  assert.equal(boost.reblog.reblogsCount, 1);
  assert.deepEqual(accts(await own.rebloggedBy.list()), ['nils']);
  assert.equal((await other.v1.statuses.$select(post.id).unreblog()).reblogged, false);
  assert.equal((await own.pin()).pinned, true);
  assert.deepEqual(ids(await me.v1.accounts.$select(mine.id).statuses.list({ pinned: true })), [post.id]);
  assert.equal((await own.unpin()).pinned, false);
  assert.equal((await own.mute()).muted, true);
  assert.equal((await own.unmute()).muted, false);
}

async function people(me, other, mine) {
  const [nils] = await me.v1.accounts.search.list({ q: 'nil' });
  assert.equal(nils.acct, 'nils');
  const them = me.v1.accounts.$select(nils.id);
  assert.equal((await them.follow({ reblogs: false })).showingReblogs, false);
  assert.equal((await other.v1.accounts.$select(mine.id).follow()).following, true);
  assert.deepEqual(accts(await me.v1.accounts.$select(mine.id).following.list()), ['nils']);
  assert.deepEqual(accts(await me.v1.accounts.$select(mine.id).followers.list()), ['nils']);
  const [relation] = await me.v1.accounts.relationships.fetch({ id: [nils.id] });
  assert.ok(relation.following && relation.followedBy && !relation.requested && relation.id === nils.id);
  assert.equal((await them.mute({ notifications: true })).mutingNotifications, true);
  assert.deepEqual(accts(await me.v1.mutes.list()), ['nils']);
  assert.equal((await them.unmute()).muting, false);
  assert.equal((await them.block()).blocking, true);
  assert.deepEqual(accts(await me.v1.blocks.list()), ['nils']);
  await refused(other.v1.accounts.$select(mine.id).follow(), 403, 404, 422);
  assert.equal((await them.unblock()).blocking, false);
  assert.equal((await them.follow({ reblogs: true })).following, true);
  assert.equal((await them.unfollow()).following, false);
  assert.equal((await them.follow()).following, true);
  await me.v1.accounts.updateCredentials({ locked: true });
  assert.equal((await other.v1.accounts.$select(mine.id).follow()).requested, true);
  assert.deepEqual(accts(await me.v1.followRequests.list()), ['nils']);
  await me.v1.followRequests.$select(nils.id).reject();
  assert.deepEqual(await me.v1.followRequests.list(), []);
  await me.v1.accounts.updateCredentials({ locked: false });
  assert.equal((await other.v1.accounts.$select(mine.id).follow()).following, true);
  return nils;
}

async function timelines(me, other, nils, { post }) {
  for (const n of [1, 2, 3, 4]) await other.v1.statuses.create({ status: `Wave ${n} #surf` });
  const home = await me.v1.timelines.home.list({ limit: 40 });
  assert.deepEqual(home.slice(0, 4).map((s) => s.content.match(/\d/)[0]), ['4', '3', '2', '1']);
  assert.ok(ids(await me.v1.timelines.public.list({ local: true })).includes(post.id));
  assert.equal((await me.v1.timelines.tag.$select('surf').list()).length, 4);
  assert.equal((await me.v1.accounts.$select(nils.id).statuses.list({ excludeReplies: true, limit: 2 })).length, 2);
  const paged = [];
  for await (const page of createRestAPIClient({ url, accessToken: process.env.COHORT_OTHER_TOKEN }).v1.timelines.tag.$select('surf').list({ limit: 2 })) paged.push(page.length);
  assert.deepEqual(paged.filter(Boolean), [2, 2]);
  const above = await me.v1.timelines.home.list({ minId: home[2].id, limit: 1 });
  assert.deepEqual(ids(above), [home[1].id]);
  const marked = await me.v1.markers.create({ home: { lastReadId: home[0].id } });
  assert.equal(marked.home.lastReadId, home[0].id);
  assert.equal((await me.v1.markers.fetch({ timeline: ['home'] })).home.version, marked.home.version);
}

async function search(me) {
  const found = await me.v2.search.list({ q: `@${remote}`, resolve: true, type: 'accounts' });
  assert.deepEqual(accts(found.accounts), [remote]);
  const there = await me.v2.search.list({ q: process.env.COHORT_REMOTE_POST, resolve: true, type: 'statuses' });
  assert.match(there.statuses[0].content, /from afar/);
  assert.equal(there.statuses[0].account.acct, remote);
  const tags = await me.v2.search.list({ q: '#surf', type: 'hashtags' });
  assert.deepEqual(tags.hashtags.map((t) => t.name), ['surf']);
  const liked = await me.v1.statuses.$select(there.statuses[0].id).favourite();
  assert.equal(liked.favourited, true);
}

// hear collects what a subscription brings; next waits for an event that fits.
function hear(subscription) {
  const heard = [];
  (async () => { for await (const event of subscription.values()) heard.push(event); })();
  return async function next(kind, fits) {
    for (const late = Date.now() + 20000; Date.now() < late;) {
      const at = heard.findIndex((event) => event.event === kind && fits(event.payload));
      if (at >= 0) return heard.splice(at, 1)[0].payload;
      await new Promise((done) => setTimeout(done, 25));
    }
    throw new Error(`no ${kind} on the stream, but ${JSON.stringify(heard.map((event) => event.event))}`);
  };
}

async function live(me, other, token, streamingApiUrl) {
  const stream = createStreamingAPIClient({ streamingApiUrl, accessToken: token });
  const user = hear(stream.user.subscribe()), tag = hear(stream.hashtag.subscribe({ tag: 'tide' }));
  calls.add('streaming.user.subscribe').add('streaming.hashtag.subscribe');
  await stream.prepare();
  // A subscription is not answered, so the first post may come too early for it.
  let post;
  for (let tries = 0; ; tries++) {
    post = await other.v1.statuses.create({ status: `High water @mia #tide ${tries}` });
    const seen = await Promise.race([user('update', (s) => s.id === post.id), new Promise((done) => setTimeout(done, 2000))]);
    if (seen) break;
    assert.ok(tries < 5, 'no post arrives on the stream');
  }
  assert.equal((await tag('update', (s) => s.id === post.id)).account.acct, 'nils');
  assert.equal((await user('notification', (n) => n.type === 'mention' && n.status.id === post.id)).account.acct, 'nils');
  await other.v1.statuses.$select(post.id).update({ status: 'Low water @mia #tide' });
  assert.match((await user('status.update', (s) => s.id === post.id)).content, /Low water/);
  await other.v1.statuses.$select(post.id).remove();
  await user('delete', (id) => id === post.id);
  stream.close();
}

async function notifications(me, other) {
  await other.v1.statuses.create({ status: '@mia once more' });
  const all = await me.v1.notifications.list();
  const kinds = new Set(all.map((n) => n.type));
  assert.ok(kinds.has('follow') && kinds.has('mention'), [...kinds].join());
  assert.equal((await me.v1.notifications.$select(all[0].id).fetch()).id, all[0].id);
  assert.ok((await me.v1.notifications.list({ excludeTypes: ['mention'] })).every((n) => n.type !== 'mention'));
  await me.v1.notifications.$select(all[0].id).dismiss();
  assert.ok(!ids(await me.v1.notifications.list()).includes(all[0].id));
  await me.v1.notifications.clear();
  assert.deepEqual(await me.v1.notifications.list(), []);
}

const { app, oauth, token } = await signIn();
const me = rest(token), other = rest(process.env.COHORT_OTHER_TOKEN);
assert.equal((await me.v1.apps.verifyCredentials()).name, 'Masto for tests');
const streaming = await place(me);
const mine = await profile(me);
const made = await posts(me, other);
await reactions(me, other, mine, made);
const nils = await people(me, other, mine);
await timelines(me, other, nils, made);
await search(me);
await live(me, other, token, streaming);
await notifications(me, other);
await refused(rest('nonsense').v1.timelines.home.list(), 401);
await oauth.revoke({ clientId: app.clientId, clientSecret: app.clientSecret, token });
await refused(me.v1.timelines.home.list(), 401);
say({ calls: [...calls].sort() });
process.exit(0);
