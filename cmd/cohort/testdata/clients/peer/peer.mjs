// A small server of one person, pat, on the library Fedify, which checks the
// signature of everything that arrives before anything here sees it. It keeps
// what it knows in memory. PEER_PORT is where it listens on localhost, and
// PEER_PICTURE the file of the picture it attaches.
//
// It speaks with the test in lines of JSON. On standard input come commands,
// {"n": 1, "do": "follow", …}; on standard output go {"done": 1, …} or
// {"failed": 1, "why": …}, and beside them what happens: {"arrived": …} for
// every request to an inbox with the answer it got, and {"verified": …} for
// every activity whose signature was found good.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { Temporal } from '@js-temporal/polyfill';
import { configure, getConsoleSink } from '@logtape/logtape';
import { createFederation, generateCryptoKeyPair, InProcessMessageQueue, MemoryKvStore } from '@fedify/fedify';
import {
  Accept, Activity, Announce, Create, Delete, Endpoints, Follow, Image, Like, Mention, Note, Person, PUBLIC_COLLECTION, Tombstone, Undo, Update,
} from '@fedify/vocab';

const handle = 'pat', port = Number(process.env.PEER_PORT), base = new URL(`http://localhost:${port}`);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

await configure({
  sinks: { err: getConsoleSink({ levelMap: { trace: 'error', debug: 'error', info: 'error', warning: 'error', error: 'error', fatal: 'error' } }) },
  loggers: [
    { category: 'fedify', sinks: ['err'], lowestLevel: 'warning' },
    { category: ['logtape', 'meta'], sinks: ['err'], lowestLevel: 'error' },
  ],
});

const keys = [await generateCryptoKeyPair('RSASSA-PKCS1-v1_5'), await generateCryptoKeyPair('Ed25519')];
const notes = new Map(); // by id: { note } or { deleted }
const followers = new Map(); // by actor id
const known = new Map(); // actors we have spoken to, by id
const follows = new Map(); // our follows, by actor id
let serial = 0;

const federation = createFederation({ kv: new MemoryKvStore(), queue: new InProcessMessageQueue({ pollInterval: { milliseconds: 50 } }), allowPrivateAddress: true });

federation.setActorDispatcher('/people/{identifier}', async (ctx, identifier) => {
  if (identifier !== handle) return null;
  const pairs = await ctx.getActorKeyPairs(identifier);
  return new Person({
    id: ctx.getActorUri(identifier), preferredUsername: handle, name: 'Pat <3 fish', summary: '<p>Made by hand.</p>',
    url: new URL('/@pat', base), inbox: ctx.getInboxUri(identifier), endpoints: new Endpoints({ sharedInbox: ctx.getInboxUri() }),
    outbox: ctx.getOutboxUri(identifier), followers: ctx.getFollowersUri(identifier), following: ctx.getFollowingUri(identifier),
    publicKey: pairs[0].cryptographicKey, assertionMethods: pairs.map((pair) => pair.multikey), manuallyApprovesFollowers: false,
  });
}).mapHandle((_, name) => name).setKeyPairsDispatcher((_, identifier) => (identifier === handle ? keys : []));

federation.setFollowersDispatcher('/people/{identifier}/followers', () => ({
  items: [...followers.values()].map((a) => ({ id: a.id, inboxId: a.inboxId, endpoints: a.endpoints })),
}));
federation.setFollowingDispatcher('/people/{identifier}/following', () => ({ items: [...follows.keys()].map((id) => new URL(id)) }));
federation.setOutboxDispatcher('/people/{identifier}/outbox', () => ({ items: [] }));
federation.setObjectDispatcher(Note, '/notes/{id}', (_, { id }) => notes.get(id)?.note ?? null);

// ---- what arrives

async function remember(ctx, id) {
  const actor = await ctx.lookupObject(new URL(id), { documentLoader: await ctx.getDocumentLoader({ identifier: handle }) });
  if (actor?.id == null) throw new Error(`there is no actor ${id}`);
  known.set(actor.id.href, actor);
  return actor;
}

const listeners = {
  async Follow(ctx, follow) {
    const actor = await follow.getActor(ctx);
    known.set(actor.id.href, actor);
    followers.set(actor.id.href, actor);
    await ctx.sendActivity({ identifier: handle }, actor, new Accept({ id: fresh('accept'), actor: ctx.getActorUri(handle), object: follow }));
  },
  async Undo(ctx, undo) {
    const object = await undo.getObject(ctx);
    if (object instanceof Follow) followers.delete(undo.actorId.href);
  },
};

const inbox = federation.setInboxListeners('/people/{identifier}/inbox', '/inbox').setSharedKeyDispatcher(() => ({ identifier: handle }));
inbox.on(Activity, async (ctx, activity) => {
  const type = activity.constructor.name, object = await activity.getObject({ ...ctx, suppressError: true }).catch(() => null);
  await listeners[type]?.(ctx, activity);
  say({
    verified: type, id: activity.id?.href, actor: activity.actorId?.href, object: (object?.id ?? activity.objectId)?.href, of: object?.constructor.name,
    content: object instanceof Note ? String(object.content) : undefined,
  });
});
inbox.onError((_, error) => say({ trouble: String(error?.stack ?? error) }));

// ---- what is sent

const fresh = (kind) => new URL(`/activities/${kind}/${++serial}`, base);
const send = (ctx, to, activity) => ctx.sendActivity({ identifier: handle }, to, activity, { preferSharedInbox: true, immediate: true });

async function audience(ctx, command) {
  const mentioned = await Promise.all((command.mention ?? []).map((id) => remember(ctx, id)));
  const everyone = command.to === 'public', to = [], cc = [];
  if (everyone) to.push(PUBLIC_COLLECTION);
  if (command.to !== 'direct') (everyone ? cc : to).push(ctx.getFollowersUri(handle));
  mentioned.forEach((actor) => (everyone ? cc : to).push(actor.id));
  const reached = new Map(mentioned.map((actor) => [actor.id.href, actor]));
  if (command.to !== 'direct') followers.forEach((actor, id) => reached.set(id, actor));
  return { tos: to, ccs: cc, mentioned, recipients: [...reached.values()] };
}

const commands = {
  async follow(ctx, { who }) {
    const actor = await remember(ctx, who), follow = new Follow({ id: fresh('follow'), actor: ctx.getActorUri(handle), object: actor.id });
    follows.set(actor.id.href, follow);
    await send(ctx, actor, follow);
    return { id: follow.id.href, name: actor.preferredUsername };
  },
  async unfollow(ctx, { who }) {
    const actor = await remember(ctx, who);
    await send(ctx, actor, new Undo({ id: fresh('undo'), actor: ctx.getActorUri(handle), object: follows.get(actor.id.href) }));
    follows.delete(actor.id.href);
  },
  async post(ctx, command) {
    const { tos, ccs, mentioned, recipients } = await audience(ctx, command), id = String(++serial);
    const note = new Note({
      id: ctx.getObjectUri(Note, { id }), attribution: ctx.getActorUri(handle), content: command.content, tos, ccs, mediaType: 'text/html', published: Temporal.Now.instant(),
      url: new URL(`/@pat/${id}`, base), replyTarget: command.reply ? new URL(command.reply) : null, summary: command.summary ?? null,
      tags: mentioned.map((actor) => new Mention({ href: actor.id, name: `@${actor.preferredUsername}` })),
      attachments: command.picture ? [new Image({ url: new URL('/picture.png', base), mediaType: 'image/png', name: command.picture, width: 64, height: 48 })] : [],
    });
    notes.set(id, { note, recipients });
    await send(ctx, recipients, new Create({ id: fresh('create'), actor: ctx.getActorUri(handle), object: note, tos, ccs }));
    return { id: note.id.href, note: id };
  },
  async edit(ctx, { note: id, content }) {
    const kept = notes.get(id), note = kept.note.clone({ content, updated: Temporal.Now.instant() });
    notes.set(id, { ...kept, note });
    await send(ctx, kept.recipients, new Update({ id: fresh('update'), actor: ctx.getActorUri(handle), object: note, tos: note.toIds, ccs: note.ccIds }));
  },
  async remove(ctx, { note: id }) {
    const kept = notes.get(id);
    notes.set(id, { deleted: true });
    await send(ctx, kept.recipients, new Delete({ id: fresh('delete'), actor: ctx.getActorUri(handle), object: new Tombstone({ id: kept.note.id }), to: PUBLIC_COLLECTION }));
  },
  async like(ctx, { what, who }) {
    const like = new Like({ id: fresh('like'), actor: ctx.getActorUri(handle), object: new URL(what) });
    await send(ctx, await remember(ctx, who), like);
    return { id: like.id.href };
  },
  async unlike(ctx, { what, who, id }) {
    const like = new Like({ id: new URL(id), actor: ctx.getActorUri(handle), object: new URL(what) });
    await send(ctx, await remember(ctx, who), new Undo({ id: fresh('undo'), actor: ctx.getActorUri(handle), object: like }));
  },
  async boost(ctx, { what, who }) {
    const boost = new Announce({ id: fresh('announce'), actor: ctx.getActorUri(handle), object: new URL(what), to: PUBLIC_COLLECTION, cc: ctx.getFollowersUri(handle), published: Temporal.Now.instant() });
    await send(ctx, await remember(ctx, who), boost);
    return { id: boost.id.href };
  },
  // forge sends a Note of someone else as if it were pat's to tell.
  async forge(ctx, { who, as, content }) {
    const note = new Note({ id: new URL('/notes/forged', base), attribution: new URL(as), content, to: PUBLIC_COLLECTION });
    await send(ctx, await remember(ctx, who), new Create({ id: fresh('create'), actor: ctx.getActorUri(handle), object: note, to: PUBLIC_COLLECTION }));
  },
  // read fetches a document, signed by pat or not at all.
  async read(ctx, { what, signed }) {
    const load = signed ? await ctx.getDocumentLoader({ identifier: handle }) : ctx.documentLoader;
    const { document } = await load(what);
    return { document };
  },
};

// ---- the doors

const picture = readFileSync(process.env.PEER_PICTURE);

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

createServer(async (incoming, outgoing) => {
  const sent = await body(incoming), posting = incoming.method === 'POST';
  if (incoming.url === '/picture.png') {
    outgoing.writeHead(200, { 'Content-Type': 'image/png' }).end(picture);
    return;
  }
  const request = new Request(new URL(incoming.url, base), { method: incoming.method, headers: incoming.headers, body: posting ? sent : undefined });
  const response = await federation.fetch(request, { contextData: undefined });
  outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(Buffer.from(await response.arrayBuffer()));
  if (posting) say({ arrived: incoming.url, status: response.status, signed: 'signature' in incoming.headers, body: sent.toString() });
}).listen(port, 'localhost', () => say({ ready: base.href }));

// One command after the other, so that what is sent keeps its order.
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line), ctx = federation.createContext(base, undefined);
  try {
    say({ done: command.n, ...(await commands[command.do](ctx, command)) });
  } catch (error) {
    say({ failed: command.n, why: String(error?.message ?? error) });
  }
}
process.exit(0);
